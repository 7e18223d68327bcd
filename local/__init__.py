"""The whole product on one machine, without Docker or an AWS account.

`python -m local` starts real servers from PyPI wheels as child processes, uploads a demo film to
the private bucket, and runs the Lambda handlers behind a gateway that reads its routes from
template.yaml. This package is not deployed.
"""
