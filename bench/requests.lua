-- Asks for the paths of a file in turn, over and over; the threads begin at different places. Ends with one line of JSON.
-- Arguments: method, file of paths, file of the body ("-" for none), number of threads.
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
   if arguments[3] ~= "-" then
      local file = assert(io.open(arguments[3], "rb"))
      wrk.body = file:read("*a")
      file:close()
   end
   position = math.floor(#paths / tonumber(arguments[4])) * number
end

function request()
   position = position % #paths + 1
   return wrk.format(nil, paths[position])
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "received_bytes": %.0f, "failed": %d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.bytes,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
