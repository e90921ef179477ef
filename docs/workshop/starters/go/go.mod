module yourserver

go 1.19
