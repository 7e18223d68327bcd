"""httpx's functions for plain HTTP, which do not load the certificates of all authorities."""

import ssl
from functools import partial

import httpx

_WITHOUT_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

get = partial(httpx.get, verify=_WITHOUT_AUTHORITIES)
post = partial(httpx.post, verify=_WITHOUT_AUTHORITIES)
put = partial(httpx.put, verify=_WITHOUT_AUTHORITIES)
