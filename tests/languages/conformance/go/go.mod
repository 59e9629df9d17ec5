module conformance

go 1.24

require sandglass v0.0.0

replace sandglass => ../../../../sdk/go
