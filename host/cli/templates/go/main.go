// Greets whom the run's input names, and counts how often.
package main

import (
	"fmt"

	"sandglass"
)

type greeting struct {
	Count int `json:"count"`
}

func init() { sandglass.Job(run) }

func main() {}

func run(ctx *sandglass.Context) (string, error) {
	input := struct{ Name string }{"world"}
	if err := ctx.Input(&input); err != nil {
		return "", err
	}
	greetings, err := sandglass.Open[greeting]("greetings")
	if err != nil {
		return "", err
	}
	row, err := greetings.Get(input.Name)
	if err != nil {
		return "", err
	}
	count := 1
	if row != nil {
		count = row.Fields.Count + 1
	}
	if err := greetings.Put(input.Name, greeting{count}); err != nil {
		return "", err
	}
	sandglass.LogInfo(fmt.Sprintf("greeting %s for the %d. time", input.Name, count))
	return fmt.Sprintf("Hello, %s!", input.Name), nil
}
