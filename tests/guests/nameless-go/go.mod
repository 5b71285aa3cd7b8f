module nameless-go

go 1.27

require offerd v0.0.0

replace offerd => ../../../sdk/go
