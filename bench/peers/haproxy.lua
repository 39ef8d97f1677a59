-- The service tcpmux, as haproxy can have it.
core.register_service("tcpmux", "tcp", function(applet)
    local line = applet:getline()
    if line and string.lower(line):match("^tcpmux\r?\n") then
        applet:send("+OK FINE\r\n")
    else
        applet:send("-no such service\r\n")
    end
end)
