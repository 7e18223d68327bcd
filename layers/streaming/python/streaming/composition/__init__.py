"""The composition root: the only place that reads the environment and builds adapters.

One module a function, so that a function loads the clients that it uses and no other, and loads
them while its execution environment starts, when Lambda lends it a whole processor. Each part is
built when it is first asked for and lives as long as the environment; nothing connects before that.
"""
