"""AWS on this machine, as far as a deployment needs it.

moto answers for most services. CloudFormation and Lambda are ours: moto's CloudFormation neither
rolls back nor replaces, and its Lambda needs Docker. Their requests and answers pass through
botocore's own models.
"""
