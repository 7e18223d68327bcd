"""Local API Gateway and Lambda: serves the functions of template.yaml on 127.0.0.1.

It reproduces how a deployed HTTP API processes a request (routing, authorizer, CORS, payload format
2.0) and how Lambda runs a function (one event at a time per execution environment, timeouts, a
fixed set of variables), so that a handler that works locally works when deployed.
"""
