// Every call of the contract, and what came of each: ../../../guests/conformance in Go.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sandglass"
)

type fields = map[string]any

var lines strings.Builder

func add(name string, value any) { fmt.Fprintf(&lines, "%s=%v\n", name, value) }

func code(name string, err error) {
	var told *sandglass.Error
	switch {
	case err == nil:
		add(name, "ok")
	case errors.As(err, &told):
		add(name, told.Code)
	default:
		panic(err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func maybe(value string, there bool) string {
	if !there {
		return "none"
	}
	return value
}

func init() { sandglass.Job(run) }

func main() {}

func run(ctx *sandglass.Context) (string, error) {
	if progress, there := ctx.Progress(); there {
		return fmt.Sprintf("%sattempt=%d", progress, ctx.Attempt()), nil
	}
	thisRun(ctx)
	rows(ctx)
	queries(ctx)
	others(ctx)
	ctx.Checkpoint(lines.String())
	progress, _ := ctx.Progress()
	add("kept", progress == lines.String())
	ctx.Checkpoint(lines.String())
	return "", &sandglass.Failure{Retry: true, Message: "again"}
}

func thisRun(ctx *sandglass.Context) {
	add("job", ctx.Job())
	add("run-id", len(ctx.RunID()))
	add("attempt", ctx.Attempt())
	add("trigger", ctx.Trigger())
	add("scheduled-for", !ctx.ScheduledFor().After(ctx.Now()))
	last, there := ctx.LastSuccess()
	add("last-success", maybe(last.String(), there))
	add("deadline", ctx.Deadline().After(ctx.Now()))
	add("setting", maybe(ctx.Setting("CITY")))
	add("no-setting", maybe(ctx.Setting("NOTHING")))
	add("input", maybe(ctx.InputText()))
	add("progress", maybe(ctx.Progress()))
	sandglass.LogTrace("trace ü")
	sandglass.LogDebug("debug ü")
	sandglass.LogInfo("info ü")
	sandglass.LogWarn("warn ü")
	sandglass.LogError("error ü")
}

func rows(ctx *sandglass.Context) {
	items := must(sandglass.Open[fields]("items"))
	at := time.UnixMilli(1769848200123).UTC()
	row := fields{"n": int64(9007199254740993), "text": "Grüße 🌍", "at": at}
	code("insert", items.InsertWithID("a", row))
	code("insert-again", items.InsertWithID("a", row))
	add("insert-made", len(must(items.Insert(fields{"n": 1}))) > 0)
	there := must(items.Get("a"))
	add("get", fmt.Sprint(there.Fields["n"], " ", there.Fields["text"], " ", there.Fields["at"]))
	add("get-version", there.Version)
	add("get-instants", there.CreatedAt.Equal(there.UpdatedAt) && !there.CreatedAt.After(ctx.Now()))
	add("get-missing", maybe("some", must(items.Get("nobody")) != nil))
	code("update", items.Update("a", fields{"extra": true, "text": nil}))
	there = must(items.Get("a"))
	_, hasText := there.Fields["text"]
	add("updated", fmt.Sprint(there.Fields["extra"], " ", hasText))
	code("update-missing", items.Update("nobody", fields{}))
	code("update-version", items.UpdateIf("a", 7, fields{}))
	code("put", items.Put("b", fields{"n": 2}))
	bytes, _ := ctx.Setting("LARGE")
	code0(items.Put("large", fields{"text": strings.Repeat("x", must(strconv.Atoi(bytes)))}))
	add("large", len(must(items.Get("large")).Fields["text"].(string)))
	code("too-large", items.Put("large", fields{"text": strings.Repeat("x", 300_000)}))
	_, err := items.DeleteIf("b", 7)
	code("delete-version", err)
	add("delete", must(items.Delete("b")))
	add("delete-again", must(items.Delete("b")))
}

func code0(err error) { must(0, err) }

func ids(rows []*sandglass.Row[fields]) string {
	var ids []string
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	return strings.Join(ids, ",")
}

func queries(ctx *sandglass.Context) {
	items := must(sandglass.Open[fields]("items"))
	for n := range 5 {
		code0(items.Put(fmt.Sprint("q", n), fields{"n": n, "kind": "q"}))
	}
	ofKind := func() *sandglass.Query[fields] { return items.Query().Filter("kind", sandglass.Eq, "q") }
	largest := func() *sandglass.Query[fields] {
		return ofKind().Filter("n", sandglass.Ge, 1).OrderByDescending("n").Limit(2)
	}
	page := must(largest().Page())
	add("page", fmt.Sprint(ids(page.Rows), " ", page.Next != ""))
	add("page-after", ids(must(largest().After(page.Next).Page()).Rows))
	var either []*sandglass.Row[fields]
	for row, err := range ofKind().Filter("n", sandglass.Lt, 1).Or().Filter("n", sandglass.Gt, 3).Filter("kind", sandglass.Eq, "q").OrderBy("id").Rows() {
		either = append(either, must(row, err))
	}
	add("or", ids(either))
	add("first", must(ofKind().OrderByDescending("id").First()).ID)
	add("in", must(ofKind().Filter("n", sandglass.In, []int{0, 2}).Count()))
	add("exists", must(items.Query().Filter("kind", sandglass.Exists, true).Count()))
	add("starts-with", must(items.Query().Filter("id", sandglass.StartsWith, "q").Count()))
	later := time.UnixMilli(1769848200124).UTC()
	add("instant", must(items.Query().Filter("at", sandglass.Lt, later).Count()))
	_, err := items.Query().Filter("n", sandglass.In, 5).Count()
	code("bad-value", err)
	add("delete-up-to", must(ofKind().DeleteUpTo(2)))
	add("delete-where", must(ofKind().Delete()))
	many(ctx)
	_, err = sandglass.Open[fields]("others")
	code("denied-table", err)
	readOnly := must(sandglass.Open[fields]("readonly"))
	add("read-only", must(readOnly.Query().Count()))
	_, err = readOnly.Insert(fields{})
	code("denied-write", err)
	readOnly.Close()
}

// many has more rows than a page has, where the test says so.
func many(ctx *sandglass.Context) {
	items := must(sandglass.Open[fields]("items"))
	rows, _ := ctx.Setting("MANY")
	for n := range must(strconv.Atoi(rows)) {
		code0(items.Put(fmt.Sprint("m", n), fields{"n": n, "kind": "m", "text": strings.Repeat("x", 1_000)}))
	}
	ofKind := func() *sandglass.Query[fields] { return items.Query().Filter("kind", sandglass.Eq, "m") }
	count, sum := 0, int64(0)
	for row, err := range ofKind().OrderBy("n").Rows() {
		count++
		sum += must(must(row, err).Fields["n"].(json.Number).Int64())
	}
	add("many", fmt.Sprint(count, " ", sum))
	add("many-gone", must(ofKind().Delete()))
}

func others(ctx *sandglass.Context) {
	message := sandglass.Email{Subject: "Grüße 🌍", Text: "Hello", HTML: "<p>Hello", ReplyTo: "ops@example.com"}
	send := func(to ...string) (string, error) {
		message.To = to
		return message.Send()
	}
	_, err := send("somebody@example.org")
	code("email-denied", err)
	_, err = send()
	code("email-invalid", err)
	message.CC, message.BCC = []string{"team@example.com"}, []string{"team@example.com"}
	message.Attachments = []sandglass.Attachment{{FileName: "a.txt", ContentType: "text/plain", Content: []byte("ü")}}
	add("email", len(must(send("Team <team@example.com>"))) > 0)
	_, err = send("team@example.com")
	code("email-quota", err)
	add("secret", len(must(ctx.Secret("API_KEY"))))
	_, err = ctx.Secret("OTHER_KEY")
	code("secret-denied", err)
	request := sandglass.Request{Method: "POST", Headers: []sandglass.Header{{Name: "x-a", Value: "b"}}, Body: []byte("ü")}
	request.URL = "http://denied.example/"
	_, err = request.Send()
	code("http-denied", err)
	request.URL, _ = ctx.Setting("ECHO")
	request.TimeoutMs = 10_000
	answer := must(request.Send())
	add("http", fmt.Sprint(answer.Status, " ", answer.Header("X-A"), " ", string(answer.Body)))
	gone, _ := ctx.Setting("GONE")
	_, err = sandglass.Request{URL: gone}.Send()
	code("http-unavailable", err)
}
