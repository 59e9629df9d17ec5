package sandglass

import (
	"encoding/json"
	"runtime"
	"time"
)

// Context is the run that is going on, and what its job may do.
type Context struct {
	input *string
}

func textOf(call func(pointer)) string {
	ret := ask(call)
	return ret.text(0)
}

// Job is the job's name.
func (c *Context) Job() string { return textOf(thisRunJob) }

// RunID is the same for every attempt of a run: an idempotency key for the outside world.
func (c *Context) RunID() string { return textOf(thisRunRunID) }

// Attempt is 1 for the first attempt.
func (c *Context) Attempt() int { return int(thisRunAttempt()) }

// Trigger says what asked for the run: schedule, catch-up, backfill, manual, webhook, try, or one that is new.
func (c *Context) Trigger() string { return textOf(thisRunTrigger) }

// ScheduledFor is the occurrence that this run stands for; for a manual or webhook run, when it was asked for.
func (c *Context) ScheduledFor() time.Time { return instant(thisRunScheduledFor()) }

// LastSuccess is the occurrence of the newest run that succeeded; false before the first.
func (c *Context) LastSuccess() (time.Time, bool) {
	ret := ask(func(ret pointer) { thisRunLastSuccess(ret) })
	if ret.u8(0) == 0 {
		return time.Time{}, false
	}
	return instant(int64(ret.u64(8))), true
}

// Now is the host's wall clock. It can jump: measure durations with time.Since.
func (c *Context) Now() time.Time { return instant(thisRunNow()) }

// Deadline is when the attempt will be ended as a timeout.
func (c *Context) Deadline() time.Time { return instant(thisRunDeadline()) }

// Setting is a value of the specification's [env]; false where it has no such name.
func (c *Context) Setting(name string) (string, bool) {
	at, size := data(name)
	ret := ask(func(ret pointer) { thisRunSetting(at, size, ret) })
	runtime.KeepAlive(name)
	if value := ret.maybe(0); value != nil {
		return *value, true
	}
	return "", false
}

// SettingOr is a setting, or a value for when there is no such name.
func (c *Context) SettingOr(name, otherwise string) string {
	if value, there := c.Setting(name); there {
		return value
	}
	return otherwise
}

// InputText is the JSON text that the caller of a manual or webhook run sent; false for a scheduled one.
func (c *Context) InputText() (string, bool) {
	if c.input == nil {
		return "", false
	}
	return *c.input, true
}

// Input reads the input into a value, as json.Unmarshal does. It leaves the value as it is where there is no input.
func (c *Context) Input(value any) error {
	if c.input == nil {
		return nil
	}
	if err := json.Unmarshal([]byte(*c.input), value); err != nil {
		return &Error{Invalid, "the run's input is not what this job takes: " + err.Error()}
	}
	return nil
}

// Progress is what the newest checkpoint of this run left, in this attempt or one before it; false where there is none.
func (c *Context) Progress() (string, bool) {
	ret := ask(func(ret pointer) { thisRunProgress(ret) })
	if progress := ret.maybe(0); progress != nil {
		return *progress, true
	}
	return "", false
}

// Checkpoint commits what the attempt wrote so far, and its emails, together with progress. It returns once that is
// durable: the next attempt of the run starts from here. Where the commit cannot be had, it does not return.
func (c *Context) Checkpoint(progress string) {
	at, size := data(progress)
	thisRunCheckpoint(1, at, size)
	runtime.KeepAlive(progress)
}

// CheckpointNone is Checkpoint, and leaves no progress.
func (c *Context) CheckpointNone() { thisRunCheckpoint(0, nil, 0) }

// Secret is a secret's newest value. Denied where it is not granted, or was never set.
func (c *Context) Secret(name string) (string, error) {
	at, size := data(name)
	ret := ask(func(ret pointer) { secretGet(at, size, ret) })
	runtime.KeepAlive(name)
	if err := ret.err(4); err != nil {
		return "", err
	}
	return ret.text(4), nil
}

func instant(millis int64) time.Time { return time.UnixMilli(millis).UTC() }

func writeLog(level uint32, message string) {
	at, size := data(message)
	logWrite(level, at, size)
	runtime.KeepAlive(message)
}

// LogTrace adds a line to the run's log. What is printed ends there too.
func LogTrace(message string) { writeLog(0, message) }

// LogDebug adds a line to the run's log.
func LogDebug(message string) { writeLog(1, message) }

// LogInfo adds a line to the run's log.
func LogInfo(message string) { writeLog(2, message) }

// LogWarn adds a line to the run's log.
func LogWarn(message string) { writeLog(3, message) }

// LogError adds a line to the run's log.
func LogError(message string) { writeLog(4, message) }
