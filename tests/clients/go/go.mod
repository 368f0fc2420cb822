module undercroft/tests/clients/go

go 1.18

require github.com/Backblaze/blazer v0.7.2
