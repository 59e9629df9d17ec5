package sandglass

import (
	"encoding/json"
	"runtime"
	"strings"
)

// Email is a message. The host sets From, Date and Message-ID. It needs a recipient, and a text or HTML.
type Email struct {
	To, CC, BCC []string
	ReplyTo     string
	Subject     string
	Text        string
	HTML        string
	Attachments []Attachment
}

// Attachment is a file that goes with a message: its name without a path, its media type, and its bytes.
type Attachment struct {
	FileName, ContentType string
	Content               []byte
}

// Send puts the message in the outbox when the attempt commits, and returns its Message-ID.
func (e Email) Send() (string, error) {
	message := &lowered{}
	message.texts(e.To)
	message.texts(e.CC)
	message.texts(e.BCC)
	message.maybe(e.ReplyTo)
	message.text(e.Subject)
	message.maybe(e.Text)
	message.maybe(e.HTML)
	files := &lowered{}
	for _, file := range e.Attachments {
		files.text(file.FileName)
		files.text(file.ContentType)
		files.bytes(file.Content)
	}
	message.list(files, len(e.Attachments))
	at, _ := message.place()
	ret := ask(func(ret pointer) { emailSend(at, ret) })
	runtime.KeepAlive(message)
	if err := ret.err(4); err != nil {
		return "", err
	}
	return ret.text(4), nil
}

// Header is one header of a request or a response.
type Header struct{ Name, Value string }

// Request is a request to a host that the job was granted.
type Request struct {
	// Method is GET where it is empty.
	Method string
	// URL is absolute, http or https.
	URL     string
	Headers []Header
	// Body is sent where it is not nil.
	Body []byte
	// TimeoutMs is from the call to the last byte of the answer; 0 is the host's default.
	TimeoutMs uint32
}

// Response is an answer, whatever its status. Redirects are answers too: they are not followed.
type Response struct {
	Status  int
	Headers []Header
	Body    []byte
}

// Header is the first header of a name, however it is spelt; empty where there is none.
func (r *Response) Header(name string) string {
	for _, header := range r.Headers {
		if strings.EqualFold(header.Name, name) {
			return header.Value
		}
	}
	return ""
}

// JSON reads the body into a value, as json.Unmarshal does.
func (r *Response) JSON(value any) error { return json.Unmarshal(r.Body, value) }

// Send sends the request and waits for the whole answer.
func (r Request) Send() (*Response, error) {
	method := r.Method
	if method == "" {
		method = "GET"
	}
	headers := &lowered{}
	for _, header := range r.Headers {
		headers.text(header.Name)
		headers.text(header.Value)
	}
	methodAt, methodLen := data(method)
	urlAt, urlLen := data(r.URL)
	headersAt, _ := headers.place()
	body, hasBody := string(r.Body), uint32(0)
	if r.Body != nil {
		hasBody = 1
	}
	bodyAt, bodyLen := data(body)
	hasTimeout := min(r.TimeoutMs, 1)
	ret := ask(func(ret pointer) { httpSend(methodAt, methodLen, urlAt, urlLen, headersAt, uint32(len(r.Headers)), hasBody, bodyAt, bodyLen, hasTimeout, r.TimeoutMs, ret) })
	runtime.KeepAlive(method)
	runtime.KeepAlive(r.URL)
	runtime.KeepAlive(headers)
	runtime.KeepAlive(body)
	if err := ret.err(4); err != nil {
		return nil, err
	}
	count := ret.u32(12)
	list := takeBytes(ret.u32(8), count*16)
	response := &Response{Status: int(ret.u16(4)), Body: takeBytes(ret.u32(16), ret.u32(20))}
	for number := range count {
		words := (*[4]uint32)(pointer(&list[number*16]))
		response.Headers = append(response.Headers, Header{take(words[0], words[1]), take(words[2], words[3])})
	}
	return response, nil
}
