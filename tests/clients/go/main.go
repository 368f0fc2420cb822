// Blazer, Backblaze's Go package (restic and others are built on it), against a running Undercroft; test_blazer.py builds
// and runs it. The endpoint and a word for names are arguments, the key's id and secret are variables; each step prints its
// name, so that a failure shows how far it came.
package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"reflect"
	"sort"
	"time"

	"github.com/Backblaze/blazer/b2"
)

const partBytes = 5_000_000

type scenario struct {
	ctx    context.Context
	client *b2.Client
	bucket *b2.Bucket
	word   string
}

func main() {
	ctx := context.Background()
	client, err := b2.NewClient(ctx, os.Getenv("KEY_ID"), os.Getenv("APPLICATION_KEY"), b2.APIBase(os.Args[1]))
	check(err)
	s := &scenario{ctx: ctx, client: client, word: os.Args[2]}
	for _, step := range []struct {
		name string
		run  func()
	}{
		{"buckets", s.buckets},
		{"small files", s.smallFiles},
		{"names", s.names},
		{"large files", s.largeFiles},
		{"resumed uploads", s.resumedUploads},
		{"lists", s.lists},
		{"hiding", s.hiding},
		{"download grants", s.downloadGrants},
		{"keys", s.keys},
		{"errors", s.errors},
		{"removal", s.removal},
	} {
		fmt.Println(step.name)
		step.run()
	}
	fmt.Println("all done")
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func equal(got, want any) {
	if !reflect.DeepEqual(got, want) {
		panic(fmt.Sprintf("got %v and not %v", got, want))
	}
}

func randomBytes(size int) []byte {
	data := make([]byte, size)
	rand.New(rand.NewSource(int64(size))).Read(data)
	return data
}

func (s *scenario) write(name string, data []byte, attrs *b2.Attrs) *b2.Object {
	object := s.bucket.Object(name)
	writer := object.NewWriter(s.ctx, b2.WithAttrsOption(attrs))
	writer.ChunkSize = partBytes
	writer.ConcurrentUploads = 3
	_, err := io.Copy(writer, bytes.NewReader(data))
	check(err)
	check(writer.Close())
	return object
}

func (s *scenario) read(object *b2.Object, offset, length int64) []byte {
	reader := object.NewRangeReader(s.ctx, offset, length)
	reader.ChunkSize = 1_000_000
	reader.ConcurrentDownloads = 3
	data, err := io.ReadAll(reader)
	check(err)
	check(reader.Close())
	return data
}

func (s *scenario) listed(options ...b2.ListOption) []string {
	names := []string{}
	list := s.bucket.List(s.ctx, options...)
	for list.Next() {
		names = append(names, list.Object().Name())
	}
	check(list.Err())
	return names
}

func (s *scenario) buckets() {
	bucket, err := s.client.NewBucket(s.ctx, "blazer-"+s.word, &b2.BucketAttrs{
		Type:           b2.Private,
		Info:           map[string]string{"colour": "blue"},
		LifecycleRules: []b2.LifecycleRule{{Prefix: "logs/", DaysNewUntilHidden: 3, DaysHiddenUntilDeleted: 5}},
	})
	check(err)
	s.bucket = bucket
	stale, err := s.client.Bucket(s.ctx, bucket.Name())
	check(err)
	attrs, err := stale.Attrs(s.ctx)
	check(err)
	equal(attrs.Info["colour"], "blue")
	equal(attrs.LifecycleRules[0].DaysHiddenUntilDeleted, 5)
	check(bucket.Update(s.ctx, &b2.BucketAttrs{Info: map[string]string{"colour": "red"}}))
	err = stale.Update(s.ctx, &b2.BucketAttrs{Info: map[string]string{"colour": "green"}})
	equal(b2.IsUpdateConflict(err), true)
	buckets, err := s.client.ListBuckets(s.ctx)
	check(err)
	found := false
	for _, one := range buckets {
		found = found || one.Name() == bucket.Name()
	}
	equal(found, true)
}

func (s *scenario) smallFiles() {
	for _, size := range []int{0, 1, 65_536, 70_000} {
		data := randomBytes(size)
		modified := time.UnixMilli(1_300_000_000_123)
		object := s.write("small", data, &b2.Attrs{
			ContentType: "x/y", Info: map[string]string{"colour": "blü e"}, LastModified: modified,
		})
		attrs, err := s.bucket.Object("small").Attrs(s.ctx)
		check(err)
		equal(attrs.Size, int64(size))
		equal(attrs.SHA1, fmt.Sprintf("%x", sha1.Sum(data)))
		equal(attrs.ContentType, "x/y")
		equal(attrs.Info, map[string]string{"colour": "blü e"})
		equal(attrs.LastModified.Equal(modified), true)
		equal(s.read(object, 0, -1), append([]byte{}, data...))
	}
}

func (s *scenario) names() {
	for _, name := range []string{"a b+c", "plus+and&=?.txt", "100%.txt", "ünïcødé/日本 語.txt", "quote'\"s.txt", "~:*@!$(),;"} {
		object := s.write(name, []byte(name), &b2.Attrs{})
		equal(string(s.read(object, 0, -1)), name)
		equal(s.listed(b2.ListPrefix(name)), []string{name})
		check(s.bucket.Object(name).Delete(s.ctx))
	}
}

func (s *scenario) largeFiles() {
	data := randomBytes(3*partBytes + 17)
	digest := fmt.Sprintf("%x", sha1.Sum(data))
	object := s.write("large", data, &b2.Attrs{SHA1: digest, Info: map[string]string{"kind": "large"}})
	attrs, err := s.bucket.Object("large").Attrs(s.ctx)
	check(err)
	equal(attrs.Size, int64(len(data)))
	equal(attrs.SHA1, digest)
	equal(bytes.Equal(s.read(object, 0, -1), data), true)
	equal(s.read(object, partBytes-10, 20), data[partBytes-10:partBytes+10])
	equal(len(s.read(object, int64(len(data))+1, 20)), 0)
}

func (s *scenario) resumedUploads() {
	data := randomBytes(2*partBytes + 5)
	ctx, cancel := context.WithCancel(s.ctx)
	first := s.bucket.Object("resumed").NewWriter(ctx)
	first.ChunkSize = partBytes
	_, err := first.Write(data[:partBytes+1])
	check(err)
	for len(s.listed(b2.ListUnfinished())) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	first.Close()
	equal(s.listed(b2.ListUnfinished()), []string{"resumed"})
	second := s.bucket.Object("resumed").NewWriter(s.ctx)
	second.ChunkSize = partBytes
	second.Resume = true
	_, err = io.Copy(second, bytes.NewReader(data))
	check(err)
	check(second.Close())
	equal(bytes.Equal(s.read(s.bucket.Object("resumed"), 0, -1), data), true)
	equal(s.listed(b2.ListUnfinished()), []string{})
}

func (s *scenario) lists() {
	names := []string{}
	for number := 0; number < 7; number++ {
		names = append(names, fmt.Sprintf("list/%d/file", number))
		s.write(names[number], []byte{byte(number)}, &b2.Attrs{})
	}
	s.write("list/top", nil, &b2.Attrs{})
	equal(s.listed(b2.ListPrefix("list/"), b2.ListPageSize(3)), append(names, "list/top"))
	equal(s.listed(b2.ListPrefix("list/"), b2.ListDelimiter("/"), b2.ListPageSize(3)), []string{
		"list/0/", "list/1/", "list/2/", "list/3/", "list/4/", "list/5/", "list/6/", "list/top",
	})
	s.write(names[0], []byte("again"), &b2.Attrs{})
	equal(s.listed(b2.ListPrefix("list/"), b2.ListHidden(), b2.ListPageSize(2)), append([]string{names[0]}, append(names, "list/top")...))
}

func (s *scenario) hiding() {
	object := s.write("hidden", []byte("seen"), &b2.Attrs{})
	check(object.Hide(s.ctx))
	equal(s.listed(b2.ListPrefix("hidden")), []string{})
	_, err := s.bucket.Object("hidden").Attrs(s.ctx)
	equal(b2.IsNotExist(err), true)
	check(s.bucket.Reveal(s.ctx, "hidden"))
	equal(string(s.read(s.bucket.Object("hidden"), 0, -1)), "seen")
}

func (s *scenario) downloadGrants() {
	object := s.write("granted/a b", []byte("open"), &b2.Attrs{})
	address, err := object.AuthURL(s.ctx, time.Minute, "attachment; filename=x")
	check(err)
	for url, status := range map[string]int{address.String(): 200, object.URL(): 401} {
		answer, err := http.Get(url)
		check(err)
		check(answer.Body.Close())
		equal(answer.StatusCode, status)
	}
}

func (s *scenario) keys() {
	key, err := s.bucket.CreateKey(s.ctx, "blazer-"+s.word, b2.Capabilities("listBuckets", "listFiles", "readFiles"),
		b2.Prefix("granted/"), b2.Lifetime(time.Hour))
	check(err)
	equal(key.Capabilities(), []string{"listBuckets", "listFiles", "readFiles"})
	limited, err := b2.NewClient(s.ctx, key.ID(), key.Secret(), b2.APIBase(os.Args[1]))
	check(err)
	bucket, err := limited.Bucket(s.ctx, s.bucket.Name())
	check(err)
	attrs, err := bucket.Object("granted/a b").Attrs(s.ctx)
	check(err)
	equal(attrs.Size, int64(4))
	_, err = bucket.Object("hidden").Attrs(s.ctx)
	equal(err != nil, true)
	ids := []string{}
	for cursor := ""; ; {
		keys, next, err := s.client.ListKeys(s.ctx, 3, cursor)
		for _, one := range keys {
			ids = append(ids, one.ID())
		}
		if err == io.EOF {
			break
		}
		check(err)
		cursor = next
	}
	equal(sort.SearchStrings(ids, key.ID()) < len(ids), true)
	check(key.Delete(s.ctx))
}

func (s *scenario) errors() {
	_, err := b2.NewClient(s.ctx, os.Getenv("KEY_ID"), "K000wrong", b2.APIBase(os.Args[1]))
	equal(err != nil, true)
	_, err = s.client.Bucket(s.ctx, "never-there-"+s.word)
	equal(b2.IsNotExist(err), true)
	equal(b2.IsNotExist(s.bucket.Object("never").Delete(s.ctx)), true)
	same, err := s.client.NewBucket(s.ctx, s.bucket.Name(), nil) // A bucket of one's own is opened.
	check(err)
	equal(same.Name(), s.bucket.Name())
}

func (s *scenario) removal() {
	list := s.bucket.List(s.ctx, b2.ListHidden())
	for list.Next() {
		check(list.Object().Delete(s.ctx))
	}
	check(list.Err())
	check(s.bucket.Delete(s.ctx))
	equal(b2.IsNotExist(s.bucket.Delete(s.ctx)), true)
}
