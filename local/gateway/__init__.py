"""Local API Gateway and Lambda: serves the functions of template.yaml on 127.0.0.1.

What a deployed HTTP API does to a request (routing, authorizer, CORS, payload format 2.0) and what
Lambda does to a function (one event at a time for an execution environment, timeouts, a frozen set
of variables) happens here as well, so that a handler that works locally works when deployed.
"""
