-- Takes one call of each bucket and a place behind each gate: all or nothing. Times are microseconds of this server's
-- clock, so that replicas need not agree on theirs.
--
-- KEYS: the buckets, then the gates
-- ARGV: buckets, gates, patience, lease, the call; for each bucket whether it counts calls (1), what one costs, and how
--       far ahead it may be; for each gate its places
-- Returns: 0 and the wait; 1, the bucket that has no room and the wait; or 2 and the gate that has none
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local buckets, gates, patience, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local longest, short, full_at = 0, 0, {}
for i = 1, buckets do
  full_at[i] = math.max(tonumber(redis.call('GET', KEYS[i]) or '0'), now)
  local wait = full_at[i] - now - tonumber(ARGV[5 + i * 3])
  if wait > longest then
    longest, short = wait, i
  end
end
if longest > patience then
  return { 1, short, longest }
end
for i = 1, gates do
  local gate = KEYS[buckets + i]
  redis.call('ZREMRANGEBYSCORE', gate, '-inf', now)
  if redis.call('ZCARD', gate) >= tonumber(ARGV[5 + buckets * 3 + i]) then
    return { 2, i, 0 }
  end
end
for i = 1, buckets do
  if ARGV[3 + i * 3] == '1' then
    local next = full_at[i] + tonumber(ARGV[4 + i * 3])
    redis.call('SET', KEYS[i], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 1000)
  end
end
for i = 1, gates do
  redis.call('ZADD', KEYS[buckets + i], now + lease, ARGV[5])
  redis.call('PEXPIRE', KEYS[buckets + i], math.ceil(lease / 1000) + 1000)
end
return { 0, 0, longest }
