"""Which calls are logged when only a sample of them is."""

import zlib


def is_sampled(request_id: str, one_in: int) -> bool:
    """Return whether a call belongs to the sample of one call in ``one_in``; 0 is an empty sample.

    The request's id decides, so that the sample does not depend on the order of calls or on the
    execution environment.
    """
    return one_in > 0 and zlib.crc32(request_id.encode()) % one_in == 0
