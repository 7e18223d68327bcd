# What every layer is built for, and how its byte code is made. Included by the layers' makefiles.
# `make build` sets both to the template's parameters of the same meaning.

RUNTIME_VERSION ?= 3.13
ARCHITECTURE ?= arm64

# Byte code is a third to a half of a cold start, and only the target's own Python can write it.
# `unchecked-hash`: nobody edits a layer, and a zip archive does not keep the times of the sources.
# The paths in tracebacks are those of the deployed layer, which makes builds reproducible too.
define compile
@find "$(1)" -depth -name __pycache__ -exec rm -rf {} +
@for python in python$(RUNTIME_VERSION) $(wildcard $(HOME)/.pyenv/versions/$(RUNTIME_VERSION).*/bin/python); do \
	if [ "$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = $(RUNTIME_VERSION) ]; then \
		exec $$python -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$(1)" -p /opt/python "$(1)"; \
	fi; \
done; \
echo "No Python $(RUNTIME_VERSION) here: the layer has no byte code, and cold starts take longer"
endef
