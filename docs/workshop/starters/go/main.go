// Your own server, in Go, without a dependency: one feed, four endpoints.
//
// It runs as it is: `go run . 8070`. `POST /feed` publishes. Every other endpoint answers 501 and says what to build.
// Go through the stages in order, and check after each:
//
//	feedlab workshop check --url http://127.0.0.1:8070 --stage 1
//
// **What each endpoint must answer**: docs/wire.md. **What is checked**: docs/contract, one file for each stage.
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

// How many past updates a client may ask for. What is kept has a bound.
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

// Feed has numbered updates, and keeps the last of them.
type Feed struct {
	// One lifetime of this feed, in which a `seq` always means the same update: four characters of 0-9a-z.
	epoch string

	// Hold it to read or to change the rest: every request has its own goroutine.
	mutex sync.Mutex
	// The `seq` of the newest update; 0 before the first.
	head uint64
	// The last updates, oldest first.
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
	// Your turn, from stage 3 on: wake every client that waits. (Closing a channel wakes all that read from it.)
	return feed.head
}

// Stage 1, short polling: `GET /feed/poll?after=CURSOR`.
//
//   - Answer at once: `{"updates":[…],"next":"k3f9.8","gap":null}`, all updates after the cursor, oldest first.
//   - A cursor is an epoch and a `seq`. Without one, the client starts from now: no updates, and `next` is the head.
//   - What is not a cursor gets a 400. A cursor older than the history gets a gap, one of another epoch a reset.
//   - **Nothing is lost in silence**: gap and updates together are everything after the cursor.
//
// Stage 2, `ETag`: the head's cursor in quotes. A request that has it in `If-None-Match` gets a 304 without a body.
//
//   - The field is a list, over all its lines (`request.Header.Values`); tags are compared weakly (`W/"x"` matches
//     `"x"`), and `*` matches any.
func (feed *Feed) poll(response http.ResponseWriter, request *http.Request) {
	// Your turn.
	notYet(response, `stage 1: answer {"updates":[],"next":"EPOCH.SEQ","gap":null}`)
}

// Stage 3, long polling: `GET /feed/long-poll?after=CURSOR&hold=25s`.
//
//   - If there is something after the cursor, answer at once, with the body of stage 1.
//   - If there is nothing, wait until there is. When the hold ends first, answer 204 without a body.
//   - **Nothing falls into the gap**: an update can be published between two polls, and between your look and your
//     wait.
//   - A client that goes away leaves nothing behind: `request.Context()` ends with it.
func (feed *Feed) longPoll(response http.ResponseWriter, request *http.Request) {
	// Your turn.
	notYet(response, "stage 3: hold the request until there is an update after the cursor")
}

// Stage 4, Server-Sent Events: `GET /feed/sse`.
//
//   - `Content-Type: text/event-stream`, and no cache may store it. Send the head at once, before the first update:
//     what you write waits in a buffer until you flush it (`response.(http.Flusher)`).
//   - Begin with `id: CURSOR` and `retry: 2000`, then a blank line. What does a client lose that is cut off before its
//     first update, if you do not?
//   - Each update is `id:`, `event:` and `data:` in one block: `data: {"at":…,"data":…}`.
//   - A comment (`:`, then a blank line) now and then keeps proxies from closing a silent stream.
//   - `HEAD` gets a 405, and a client whose `Accept` excludes the type a 406.
//
// Stage 5, resume: `Last-Event-ID`, or else `?after=CURSOR`.
//
//   - Send what came after that cursor, then go on, each update once. An update published in between is in one of
//     both.
//   - An id that is unknown, of another epoch or from the future is answered openly: 400, `event: reset`, `event: gap`.
func (feed *Feed) sse(response http.ResponseWriter, request *http.Request) {
	// Your turn.
	notYet(response, "stage 4: send an event stream that begins with the client's cursor as its id")
}

// Stage 6, WebSocket: `GET /feed/ws?after=CURSOR`.
//
//   - The handshake: `Sec-WebSocket-Accept` is the SHA-1 of the key and a constant (RFC 6455, section 4.2.2). After
//     `response.(http.Hijacker)`, the connection is yours.
//   - The first message is `{"hello":{"cursor":"k3f9.7"}}`, or `{"reset":…}`. Each update is a text frame with the JSON
//     that a poll has.
//   - A client's frames are masked, and may be fragments; a ping may come between two fragments. Bound what you collect.
//   - Close with a code: 1001 the server ends, 1002 a broken frame, 1007 not UTF-8, 1008 not accepted, 1009 too large.
func (feed *Feed) websocket(response http.ResponseWriter, request *http.Request) {
	// Your turn.
	notYet(response, "stage 6: answer the opening handshake with 101")
}

// Stages 7 to 10 have no endpoints of their own. They ask what your server does with clients that read slowly, vanish or
// close one side (7), that all come back at once, and when it ends itself: SIGTERM (8); whether all four endpoints tell
// the same (9); and what an update costs (10).

// Publishing is ready: `POST /feed` with `text/plain`, or with `application/json` as `{"type":…,"data":…}`.
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

// Returns the data and the type of a body, and the status of the answer.
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
