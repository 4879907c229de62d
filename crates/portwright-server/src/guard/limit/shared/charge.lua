-- Charges buckets, also beyond what is there (a cost of less than nothing gives back).
--
-- KEYS: the buckets
-- ARGV: for each what it costs, and how far ahead it may be at most
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i, bucket in ipairs(KEYS) do
  local full_at = math.max(tonumber(redis.call('GET', bucket) or '0'), now)
  local next = math.min(full_at + tonumber(ARGV[i * 2 - 1]), now + tonumber(ARGV[i * 2]))
  if next > now then
    redis.call('SET', bucket, string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 1000)
  else
    redis.call('DEL', bucket)
  end
end
return 0
