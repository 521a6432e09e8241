"""What Redis does by itself, in Lua: all keys of the index are on one node."""

from __future__ import annotations

# Fingerprints of the lists KEYS, at most ARGV[1] of each and ARGV[2] in all.
GATHER = """
local found = {}
for _, key in ipairs(KEYS) do
  for _, one in ipairs(redis.call('SRANDMEMBER', key, ARGV[1])) do
    found[#found + 1] = one
    if #found >= tonumber(ARGV[2]) then return found end
  end
end
return found
"""

# Of the ARGV[2] members of the list KEYS[1] that come next below ARGV[1], those that are in the other lists too: how
# many were looked at, the number of the last, and those that fit with their numbers.
MEET = """
local rows = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], '-inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local found = {}
for row = 1, #rows, 2 do
  local everywhere = true
  for list = 2, #KEYS do everywhere = everywhere and redis.call('ZSCORE', KEYS[list], rows[row]) end
  if everywhere then
    found[#found + 1] = rows[row]
    found[#found + 1] = rows[row + 1]
  end
end
return {#rows / 2, rows[#rows] or '', found}
"""
