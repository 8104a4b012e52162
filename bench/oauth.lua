-- Drives one endpoint of an authorization server with wrk, and prints the figures as one line of JSON.
-- One thread only (-t1): a token that comes back goes round again.
--
--   KIND   get      fetch the address
--          read     fetch the address with the next of the ITEMS as bearer token, over and over
--          post     send BODY; with ITEMS, BODY and the next of them, over and over
--          rotate   send BODY and a refresh token; the one that comes back goes to the end of the queue
--          once     send BODY and the next of the ITEMS, each a single time; stop when they are used up
--   AUTH   the Authorization header        BODY, TAIL   what stands before and after an item in the body
--   ITEMS  a file, one item a line         SKIP, TAKE   which lines of it: so many after so many

local ffi = require("ffi")
ffi.cdef "typedef struct { long seconds; long nanoseconds; } moment; int clock_gettime(int, moment *);"
local moment = ffi.new("moment")

local function clock()
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.seconds) * 1e6 + tonumber(moment.nanoseconds) / 1e3
end

local function given(name) return os.getenv(name) or "" end

local kind, body, tail = given("KIND"), given("BODY"), given("TAIL")
local queue, first, last, seen = {}, 1, 0, false
local threads = {}
refused, answered, started, ended, dry = 0, 0, 0, 0, false

local function escaped(text)
  return (text:gsub("[^%w%-%._~]", function(sign) return string.format("%%%02X", sign:byte()) end))
end

local function append(item)
  last = last + 1
  queue[last] = item
end

local function pop()
  local item = queue[first]
  if not seen then -- wrk looks at one request, which it does not send, before it begins
    seen, started = true, clock()
    return item
  end
  queue[first] = nil
  first = first + 1
  return item
end

function setup(thread) table.insert(threads, thread) end

function init()
  wrk.headers["Accept"] = "application/json"
  if kind == "get" then return end
  if kind == "read" then
    for line in io.lines(given("ITEMS")) do append(wrk.format("GET", nil, {Authorization = "Bearer " .. line})) end
    return
  end
  wrk.method, wrk.body = "POST", body
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
  wrk.headers["Authorization"] = given("AUTH")
  if given("ITEMS") == "" then return end
  local number, skip, take = 0, tonumber(given("SKIP")), tonumber(given("TAKE"))
  for line in io.lines(given("ITEMS")) do
    number = number + 1
    if number > skip + take then break end
    if number > skip then append(wrk.format(nil, nil, nil, body .. escaped(line) .. tail)) end
  end
end

local function refuse(status, text)
  refused = refused + 1
  if refused == 1 then io.stderr:write(status, " ", text:sub(1, 200), "\n") end
end

if kind == "read" or kind == "post" and given("ITEMS") ~= "" then
  function request()
    local item = queue[first]
    first = first % last + 1
    return item
  end
elseif kind == "rotate" then
  function request()
    if first > last then
      refuse(0, "the refresh tokens ran out")
      return wrk.format(nil, nil, nil, body)
    end
    return pop()
  end
  function response(status, _, text)
    local token = status == 200 and text:match('"refresh_token"%s*:%s*"([^"]+)"')
    if token then append(wrk.format(nil, nil, nil, body .. escaped(token) .. tail)) else refuse(status, text) end
  end
elseif kind == "once" then
  function request()
    if first > last then
      dry = true
      wrk.thread:stop()
      return wrk.format(nil, nil, nil, body)
    end
    return pop()
  end
  function response(status, _, text)
    if dry then return end
    if status == 200 then answered, ended = answered + 1, clock() else refuse(status, text) end
  end
end

function done(summary, latency)
  local thread, errors = threads[1], summary.errors
  local requests, microseconds = summary.requests, summary.duration
  if kind == "once" then requests, microseconds = thread:get("answered"), thread:get("ended") - thread:get("started") end
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\n',
    requests, microseconds, latency:percentile(50), latency:percentile(99),
    math.max(errors.status, thread:get("refused")), errors.connect + errors.read + errors.write + errors.timeout))
end
