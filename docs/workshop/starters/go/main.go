// Your own server, in Go, without dependencies: one feed, four endpoints.
//
// It runs as it is: `go run . 8070`. `POST /feed` publishes. Every other endpoint answers 501 and says what to build.
// Complete the stages in order, and check after each one:
//
//	feedlab workshop check --url http://127.0.0.1:8070 --stage 1
//
// See docs/wire.md for what each endpoint must answer, and docs/contract (one file per stage) for what is checked.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// How many past updates the feed keeps. Without a limit, memory would grow forever.
const history = 1000

// The largest update, in bytes.
const maxUpdate = 1 << 20

// Update is one item of the feed.
type Update struct {
	Seq  uint64 `json:"seq"`
	At   int64  `json:"at"`
	Type string `json:"type"`
	Data string `json:"data"`
}

// Feed numbers the updates, and keeps the most recent ones.
type Feed struct {
	// Identifies a lifetime of this feed, in which a `seq` always means the same update: four characters of 0-9a-z.
	epoch string

	// Hold it while you read or change the fields below, because every request has its own goroutine.
	mutex sync.Mutex
	// The `seq` of the newest update; 0 before the first.
	head uint64
	// The most recent updates, oldest first.
	updates []Update
}

func newFeed() *Feed {
	letters := "0123456789abcdefghijklmnopqrstuvwxyz"
	random := rand.New(rand.NewSource(time.Now().UnixNano()))
	epoch := make([]byte, 4)
	for at := range epoch {
		epoch[at] = letters[random.Intn(len(letters))]
	}
	return &Feed{epoch: string(epoch)}
}

// Publish publishes an update, and returns its `seq`.
func (feed *Feed) Publish(data, kind string) uint64 {
	feed.mutex.Lock()
	defer feed.mutex.Unlock()
	feed.head++
	feed.updates = append(feed.updates, Update{feed.head, time.Now().UnixMicro(), kind, data})
	if len(feed.updates) > history {
		feed.updates = feed.updates[1:]
	}
	// Your turn, from stage 3 on: wake every client that is waiting. (Closing a channel wakes all its readers.)
	return feed.head
}

// Stage 1, short polling: `GET /feed/poll?after=CURSOR`.
//
//   - Answer immediately: `{"updates":[…],"next":"k3f9.8","gap":null}`, with all updates after the cursor, oldest
//     first.
//   - A cursor is an epoch and a `seq`. A client without one starts from now: it gets no updates, and `next` is the
//     head.
//   - Anything that isn't a valid cursor gets a 400. A cursor older than the history gets a gap, one of another epoch a
//     reset.
//   - **Never lose an update silently**: the gap and the updates together cover everything after the cursor.
//
// Stage 2, `ETag`: the head's cursor in quotes. A request that has it in `If-None-Match` gets a 304 without a body.
//
//   - The header is a list, across all its lines (`request.Header.Values`). Compare tags weakly (`W/"x"` matches
//     `"x"`); `*` matches any tag.
func (feed *Feed) poll(response http.ResponseWriter, request *http.Request) {
	// Your turn.
	notYet(response, `stage 1: answer {"updates":[],"next":"EPOCH.SEQ","gap":null}`)
}

// Stage 3, long polling: `GET /feed/long-poll?after=CURSOR&hold=25s`.
//
//   - If there are updates after the cursor, answer immediately, with the body of stage 1.
//   - If there are none, wait for one. If the hold ends first, answer 204 without a body.
//   - **Miss nothing in between**: an update can be published between two polls, or between your check and your wait.
//   - When a client disconnects, leave nothing behind: `request.Context()` is then canceled.
func (feed *Feed) longPoll(response http.ResponseWriter, request *http.Request) {
	// Your turn.
	notYet(response, "stage 3: hold the request until there is an update after the cursor")
}

// Stage 4, Server-Sent Events: `GET /feed/sse`.
//
//   - Send `Content-Type: text/event-stream`, and let no cache store it. Send the head before the first update:
//     your output stays in a buffer until you flush it (`response.(http.Flusher)`).
//   - Begin with `id: CURSOR` and `retry: 2000`, then a blank line. Without that id, what does a client lose whose
//     connection breaks before the first update?
//   - Each update is `id:`, `event:` and `data:` in one block: `data: {"at":…,"data":…}`.
//   - Send a comment (`:`, then a blank line) now and then, to keep proxies from closing a silent stream.
//   - `HEAD` gets a 405, and a client whose `Accept` excludes the type gets a 406.
//
// Stage 5, resume: `Last-Event-ID`, or else `?after=CURSOR`.
//
//   - Send the updates after that cursor, then new ones, each exactly once, even those that are published in between.
//   - If an id is unknown, of another epoch or from the future, tell the client: 400, `event: reset` or `event: gap`.
func (feed *Feed) sse(response http.ResponseWriter, request *http.Request) {
	// Your turn.
	notYet(response, "stage 4: send an event stream that begins with the client's cursor as its id")
}

// Stage 6, WebSocket: `GET /feed/ws?after=CURSOR`.
//
//   - The handshake: `Sec-WebSocket-Accept` is the SHA-1 of the key and a constant (RFC 6455, section 4.2.2). After
//     `response.(http.Hijacker)`, the connection is yours.
//   - The first message is `{"hello":{"cursor":"k3f9.7"}}`, or `{"reset":…}`. Each update is a text frame with the same
//     JSON as in a poll.
//   - Client frames are masked and may be fragments; a ping may arrive between two fragments. Limit what you collect.
//   - Close with a code: 1001 server ends, 1002 malformed frame, 1007 not UTF-8, 1008 not accepted, 1009 too large.
func (feed *Feed) websocket(response http.ResponseWriter, request *http.Request) {
	// Your turn.
	notYet(response, "stage 6: answer the opening handshake with 101")
}

// Stages 7 to 10 add no endpoints. They test what your server does when clients read slowly, vanish or close one side
// (7), and when they all reconnect at once or your server gets a SIGTERM (8); whether all four endpoints send the same
// updates (9); and what an update costs (10).

// Publishing already works: `POST /feed` with `text/plain`, or with `application/json` as `{"type":…,"data":…}`.
func (feed *Feed) publish(response http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		response.Header().Set("Allow", "POST")
		refuse(response, http.StatusMethodNotAllowed, "POST /feed publishes")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, maxUpdate))
	if err != nil {
		refuse(response, http.StatusRequestEntityTooLarge, "this update is too large, or not complete")
		return
	}
	data, kind, status := parsed(request.Header.Get("Content-Type"), body)
	if status != http.StatusAccepted {
		refuse(response, status, `publish UTF-8 as text/plain, or {"type":…,"data":…} as application/json`)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	response.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(response, `{"seq":%d}`, feed.Publish(data, kind))
}

// parsed returns the data and the type of a body, and the status of the response.
func parsed(contentType string, body []byte) (data, kind string, status int) {
	media, _, _ := mime.ParseMediaType(contentType)
	switch media {
	case "text/plain", "":
		if !utf8.Valid(body) {
			return "", "", http.StatusBadRequest
		}
		return string(body), "message", http.StatusAccepted
	case "application/json":
		update := struct {
			Type string
			Data *string
		}{Type: "message"}
		if json.Unmarshal(body, &update) != nil || update.Data == nil || !isType(update.Type) {
			return "", "", http.StatusBadRequest
		}
		return *update.Data, update.Type, http.StatusAccepted
	default:
		return "", "", http.StatusUnsupportedMediaType
	}
}

func isType(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsAny(name, "\r\n\x00") && name != "gap" && name != "reset"
}

func refuse(response http.ResponseWriter, status int, line string) {
	http.Error(response, line, status)
}

func notYet(response http.ResponseWriter, line string) {
	refuse(response, http.StatusNotImplemented, "Your turn, "+line)
}

func main() {
	port := "8070"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	feed := newFeed()
	http.HandleFunc("/feed", feed.publish)
	http.HandleFunc("/feed/poll", feed.poll)
	http.HandleFunc("/feed/long-poll", feed.longPoll)
	http.HandleFunc("/feed/sse", feed.sse)
	http.HandleFunc("/feed/ws", feed.websocket)
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
