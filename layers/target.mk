# The target of every layer, and the compilation of its byte code. Included by the layers' makefiles.
# `make build` sets both variables to the corresponding parameters of the template.

RUNTIME_VERSION ?= 3.13
ARCHITECTURE ?= arm64

# With byte code a cold start takes a third to a half of the time; only the target's Python can compile it.
# `unchecked-hash`, because a layer is not edited, and a zip archive does not preserve the sources' times.
# The paths in tracebacks are those of the deployed layer, which also makes builds reproducible.
define compile
@find "$(1)" -depth -name __pycache__ -exec rm -rf {} +
@for python in python$(RUNTIME_VERSION) $(wildcard $(HOME)/.pyenv/versions/$(RUNTIME_VERSION).*/bin/python); do \
	if [ "$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = $(RUNTIME_VERSION) ]; then \
		exec $$python -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$(1)" -p /opt/python "$(1)"; \
	fi; \
done; \
echo "No Python $(RUNTIME_VERSION) found: the layer has no byte code, and cold starts take longer"
endef
