"""AWS on this machine, as far as a deployment needs it.

moto emulates most services. CloudFormation and Lambda are emulated here: moto's CloudFormation
neither rolls back nor replaces, and its Lambda needs Docker. Their requests and responses are
validated with botocore's models.
"""
