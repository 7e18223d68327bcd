"""Objects of which the newest version is kept, and the server that has answered.

Each script returns the server's replication id with its answer, because a connection may stay open
while the server becomes a replica, and a primary again with other data.
"""

from streaming.resilience.cache_trust import CacheServer

# Without permission for INFO, and on a replica, the server is not known.
_SERVER = """
local function server()
    local told = redis.pcall('INFO', 'replication')
    if type(told) ~= 'string' or not string.find(told, 'role:master', 1, true) then
        return ''
    end
    return (string.match(told, 'master_replid:(%x+)') or '')
        .. ' ' .. (string.match(told, 'master_replid2:(%x+)') or '')
end
"""

# The greater version wins, in whatever order they are written; of the same version, the one that
# was recorded later.
SET_IF_NEWER = f"""{_SERVER}
local stored = redis.call('GET', KEYS[1])
if stored then
    local decoded, value = pcall(cjson.decode, stored)
    if decoded and type(value) == 'table' and type(value.version) == 'number' then
        local is_same = value.version == tonumber(ARGV[2])
        local is_older = type(value.recorded_at) ~= 'string' or value.recorded_at < ARGV[3]
        if value.version > tonumber(ARGV[2]) or is_same and not (ARGV[3] ~= '' and is_older) then
            return server()
        end
    end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[4])
return server()
"""

GET_WITH_SERVER = f"""{_SERVER}
return {{redis.call('GET', KEYS[1]), server()}}
"""


def server_of(told: str, cluster: str) -> CacheServer:
    """Return the server from a script's answer; ``cluster`` is the address of its cluster."""
    replication_id, _, predecessor = told.partition(" ")
    # A server that has replaced no other one has only zeros there.
    return CacheServer(replication_id, predecessor if predecessor.strip("0") else "", cluster)
