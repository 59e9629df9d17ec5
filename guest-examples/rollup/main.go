// Sums up the events of each day, from the day of the last success on.
package main

import (
	"fmt"
	"time"

	"sandglass"
)

type event struct {
	At    time.Time `json:"at"`
	Kind  string    `json:"kind"`
	Value float64   `json:"value"`
}

type day struct {
	Events int                `json:"events"`
	Sum    float64            `json:"sum"`
	ByKind map[string]float64 `json:"by_kind"`
}

func init() { sandglass.Job(run) }

func main() {}

func run(ctx *sandglass.Context) (string, error) {
	events, err := sandglass.Open[event]("events")
	if err != nil {
		return "", err
	}
	days, err := sandglass.Open[day]("events_by_day")
	if err != nil {
		return "", err
	}
	query := events.Query()
	// Of that day, events may have come later.
	if last, there := ctx.LastSuccess(); there {
		query.Filter("at", sandglass.Ge, last.Truncate(24*time.Hour))
	}
	sums, count := map[string]*day{}, 0
	for row, err := range query.Rows() {
		if err != nil {
			return "", err
		}
		add(sums, row.Fields)
		count++
	}
	for name, sum := range sums {
		if err := days.Put(name, *sum); err != nil {
			return "", err
		}
	}
	sandglass.LogInfo(fmt.Sprintf("%d events", count))
	return fmt.Sprintf("%d events of %d days", count, len(sums)), nil
}

// add counts an event for its day, in UTC.
func add(sums map[string]*day, event event) {
	name := event.At.UTC().Format(time.DateOnly)
	sum := sums[name]
	if sum == nil {
		sum = &day{ByKind: map[string]float64{}}
		sums[name] = sum
	}
	sum.Events++
	sum.Sum += event.Value
	sum.ByKind[event.Kind] += event.Value
}
