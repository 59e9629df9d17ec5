// A program that knows nothing of Sandglass: goroutines, maps, 300 MB of garbage, waiting and printing.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

func main() {
	var told struct {
		Job     string
		Attempt int
		Input   struct{ Goroutines int }
	}
	if err := json.NewDecoder(os.Stdin).Decode(&told); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var lock sync.Mutex
	var group sync.WaitGroup
	counts := map[string]int{}
	began := time.Now()
	for number := range told.Input.Goroutines {
		group.Add(1)
		go func() {
			defer group.Done()
			time.Sleep(time.Duration(number) * time.Millisecond)
			lock.Lock()
			defer lock.Unlock()
			counts[fmt.Sprint(number%10)]++
		}()
	}
	group.Wait()
	waited := time.Since(began) >= time.Duration(told.Input.Goroutines-1)*time.Millisecond
	garbage := 0
	for range 300 {
		megabyte := make([]byte, 1<<20)
		megabyte[len(megabyte)-1] = 1
		garbage += len(megabyte)
	}
	fmt.Fprintln(os.Stderr, "made", garbage>>20, "MiB of garbage")
	fmt.Println(told.Job, os.Getenv("SANDGLASS_ATTEMPT") == fmt.Sprint(told.Attempt), len(counts), counts["7"], waited)
}
