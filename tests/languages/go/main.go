// Prints the rows of libraries for Go: of docs/numbers.md, and those of docs/protocol.md's closes.
package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	ugorji "github.com/ugorji/go/codec"
	vmihailenco "github.com/vmihailenco/msgpack/v5"
)

const at = int64(1_796_000_000_000_000)
const subprotocol = "openoutcry.v1.msgpack"
const patience = 5 * time.Second

var ways = []string{"4500", "no-code", "cut", "none", "other"}
var kinds = map[byte]string{0xcb: "float64", 0xce: "uint32", 0xcf: "uint64", 0xd3: "int64"}

func numbers(name string, encode func(any) []byte, decode func([]byte, any) error) {
	wire, _ := hex.DecodeString(fmt.Sprintf("cf%016x", at))
	var read any
	var typed int64
	if decode(wire, &read) != nil || decode(wire, &typed) != nil || typed != at {
		panic(name + " cannot read a time")
	}
	fmt.Printf("| %s, into `any` | %T | %s | %s |\n", name, read, kinds[encode(int64(1) << 31)[0]], kinds[encode(at)[0]])
}

func gorillaCell(base, way string) string {
	dialer := gorilla.Dialer{Subprotocols: []string{subprotocol}, HandshakeTimeout: patience}
	connection, _, err := dialer.Dial(base+way, nil)
	if err != nil {
		return "refused"
	}
	defer connection.Close()
	if way == "none" || way == "other" {
		return fmt.Sprintf("opened, %q", connection.Subprotocol())
	}
	_, _, err = connection.ReadMessage()
	var closed *gorilla.CloseError
	if errors.As(err, &closed) {
		return fmt.Sprint(closed.Code)
	}
	return "no code"
}

func coderCell(base, way string) string {
	limit, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	connection, _, err := coder.Dial(limit, base+way, &coder.DialOptions{Subprotocols: []string{subprotocol}})
	if err != nil {
		return "refused"
	}
	defer connection.CloseNow()
	if way == "none" || way == "other" {
		return fmt.Sprintf("opened, %q", connection.Subprotocol())
	}
	_, _, err = connection.Read(limit)
	return fmt.Sprint(int(coder.CloseStatus(err)))
}

func closes(name string, cell func(base, way string) string) {
	fmt.Printf("| %s |", name)
	for _, way := range ways {
		fmt.Printf(" %s |", cell("ws://127.0.0.1:"+os.Args[1]+"/", way))
	}
	fmt.Println()
}

func main() {
	var handle ugorji.MsgpackHandle
	numbers("vmihailenco/msgpack v5.4.1 (Go)", func(value any) []byte { bytes, _ := vmihailenco.Marshal(value); return bytes }, vmihailenco.Unmarshal)
	numbers("ugorji/go/codec v1.3.2 (Go)", func(value any) (bytes []byte) {
		ugorji.NewEncoderBytes(&bytes, &handle).MustEncode(value)
		return
	}, func(bytes []byte, into any) error { return ugorji.NewDecoderBytes(bytes, &handle).Decode(into) })
	closes("gorilla/websocket v1.5.3 (Go)", gorillaCell)
	closes("coder/websocket v1.8.15 (Go)", coderCell)
}
