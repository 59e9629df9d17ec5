module sandglass

go 1.24
