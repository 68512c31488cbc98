// Takes profiles as a Pyroscope server does: what the query and the form hold is for Go's own library to say, not for ours.
//
//	go run receive.go FOLDER
//
// prints its address, then a line of JSON for each profile, which it leaves in the folder; until the input ends.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

var (
	lock     sync.Mutex
	received int
)

func field(form *multipart.Form, name string) ([]byte, error) {
	files := form.File[name]
	if len(files) != 1 {
		return nil, fmt.Errorf("%d files %q", len(files), name)
	}
	file, err := files[0].Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// A format in the query comes before the content type, and the body then is a profile, not a form.
func profileOf(request *http.Request) (profile []byte, types map[string]map[string]any, err error) {
	if format := request.URL.Query().Get("format"); format != "" {
		return nil, nil, fmt.Errorf("the body is not of format %q, but a form", format)
	}
	kind, parameters, err := mime.ParseMediaType(request.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil, nil, fmt.Errorf("content type %q", kind)
	}
	form, err := multipart.NewReader(request.Body, parameters["boundary"]).ReadForm(32 << 20)
	if err != nil {
		return nil, nil, err
	}
	if profile, err = field(form, "profile"); err != nil {
		return nil, nil, err
	}
	config, err := field(form, "sample_type_config")
	if err != nil {
		return nil, nil, err
	}
	err = json.Unmarshal(config, &types)
	return profile, types, err
}

func ingest(answer http.ResponseWriter, request *http.Request) {
	lock.Lock()
	defer lock.Unlock()
	profile, types, err := profileOf(request)
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	file := filepath.Join(os.Args[1], fmt.Sprintf("%d.pprof", received))
	received++
	if err := os.WriteFile(file, profile, 0o600); err != nil {
		panic(err)
	}
	line, _ := json.Marshal(map[string]any{"file": file, "query": request.URL.Query(), "types": types})
	fmt.Println(string(line))
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	http.HandleFunc("/ingest", ingest)
	go http.Serve(listener, nil)
	io.Copy(io.Discard, os.Stdin)
}
