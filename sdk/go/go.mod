module offerd

go 1.27
