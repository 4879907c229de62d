-- Keeps the places of a call that runs, or gives them back.
--
-- KEYS: the gates
-- ARGV: the call, and for how long; 0 gives back
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local lease = tonumber(ARGV[2])
for _, gate in ipairs(KEYS) do
  if lease > 0 then
    redis.call('ZADD', gate, 'XX', now + lease, ARGV[1])
    redis.call('PEXPIRE', gate, math.ceil(lease / 1000) + 1000)
  else
    redis.call('ZREM', gate, ARGV[1])
  end
end
return 0
