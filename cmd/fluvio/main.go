package main

import (
	"os"

	"github.com/fluvio-go/fluvio/cmd/root"
)

func main() { os.Exit(root.Main(os.Args[1:])) }
