// Package sandglass is for jobs in Go.
//
// A job is registered by init, and called once per attempt, in a fresh instance:
//
//	package main
//
//	import "sandglass"
//
//	func init() {
//		sandglass.Job(func(ctx *sandglass.Context) (string, error) {
//			sessions, err := sandglass.Open[Session]("sessions")
//			if err != nil {
//				return "", err
//			}
//			deleted, err := sessions.Query().Filter("last_seen", sandglass.Lt, ctx.ScheduledFor().AddDate(0, 0, -30)).Delete()
//			return fmt.Sprintf("deleted %d rows", deleted), err
//		})
//	}
//
//	func main() {}
//
// It is built with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared, and uploaded as it is.
//
// Rows and emails of an attempt are kept apart until the job returns without an error, and are then committed in one
// step with the run's success. With an error they are dropped: a *Failure says itself whether another attempt is
// worth it, an *Error of the host asks for one where it may pass, and any other error for none.
package sandglass

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Func is a job. The text is kept with the run; an empty one is none.
type Func func(*Context) (string, error)

var job Func

// Job registers the program's one job.
func Job(work Func) {
	if job != nil {
		panic("sandglass: a program has one job, and this one registers a second")
	}
	job = work
}

// Error is why a call to the host was not done. The attempt goes on: the job decides what it means to it.
type Error struct {
	// Code is one of Denied, NotFound, Conflict, Invalid, Quota and Unavailable; treat one that is new to you as
	// Unavailable.
	Code string
	// Message says what was wrong, with what, and what to do.
	Message string
}

// The codes of an Error.
const (
	Denied      = "denied"
	NotFound    = "not-found"
	Conflict    = "conflict"
	Invalid     = "invalid"
	Quota       = "quota"
	Unavailable = "unavailable"
)

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Retriable tells whether the same call may work in a later attempt.
func (e *Error) Retriable() bool {
	switch e.Code {
	case Denied, NotFound, Conflict, Invalid, Quota:
		return false
	}
	return true
}

// Failure is how a job says that its work failed.
type Failure struct {
	// Retry says whether another attempt is worth it.
	Retry   bool
	Message string
}

func (f *Failure) Error() string { return f.Message }

// attempt runs the job, and gives the text and the failure that come of it.
func attempt(input *string) (result string, failure *Failure) {
	defer func() {
		if cause := recover(); cause != nil {
			LogError(fmt.Sprintf("panic: %v\n%s", cause, debug.Stack()))
			failure = &Failure{Message: fmt.Sprintf("panic: %v", cause)}
		}
	}()
	if job == nil {
		return "", &Failure{Message: "the program registered no job: call sandglass.Job in init()"}
	}
	result, err := job(&Context{input: input})
	if err == nil {
		return result, nil
	}
	var told *Failure
	if errors.As(err, &told) {
		return "", &Failure{Retry: told.Retry, Message: err.Error()}
	}
	var ofHost *Error
	return "", &Failure{Retry: errors.As(err, &ofHost) && ofHost.Retriable(), Message: err.Error()}
}
