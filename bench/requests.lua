-- Asks for the URLs of a file in turn; each thread has its own file. Ends with one line of JSON for the table.
local paths, position = {}, 0
local counter = 0

function setup(thread)
   thread:set("number", counter)
   counter = counter + 1
end

function init(arguments)
   wrk.method = arguments[1]
   for line in io.lines(arguments[2]) do
      paths[#paths + 1] = line
   end
   if wrk.method == "PUT" then
      wrk.body = string.rep("u", tonumber(arguments[3]))
   end
   position = math.floor(#paths / 2) * number
end

function request()
   position = position % #paths + 1
   return wrk.format(nil, paths[position])
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "failed": %d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
