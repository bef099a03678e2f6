// Command tlogcheck verifies a published log with the Go project's own note and tlog packages (golang.org/x/mod/sumdb).
//
//	tlogcheck FOLDER LOG_VKEY [-witness VKEY] [-old FILE]...
//
// It checks the checkpoint's signature, a cosignature, an inclusion proof of every entry and a consistency proof from every
// earlier checkpoint, all computed from the folder's tiles. Each thing checked is told in one line; the first fault ends it with status 1.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// folder reads tiles as the tlog package asks for them.
type folder string

func (folder) Height() int                     { return height }
func (folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (root folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		data, err := root.read(tile)
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

// read gives a tile's bytes: the tlog package names tiles tile/HEIGHT/LEVEL/N, the log's folder tile/LEVEL/N and tile/entries/N.
func (root folder) read(tile tlog.Tile) ([]byte, error) {
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
	path = strings.Replace(path, "tile/data/", "tile/entries/", 1)
	return os.ReadFile(filepath.Join(string(root), path))
}

// witness verifies cosignature/v1 lines.
type witness struct {
	name string
	id   uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.id }

func (w witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, text)
	return ed25519.Verify(w.key, []byte(message), signature[8:])
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal("usage: tlogcheck FOLDER LOG_VKEY [-witness VKEY] [-old FILE]...")
	}
	root := folder(os.Args[1])
	logKey, err := note.NewVerifier(os.Args[2])
	check(err, "log key")
	verifiers := []note.Verifier{logKey}
	var earlier []string
	for i := 3; i+1 < len(os.Args); i += 2 {
		if os.Args[i] == "-witness" {
			verifiers = append(verifiers, parseWitness(os.Args[i+1]))
		} else {
			earlier = append(earlier, os.Args[i+1])
		}
	}
	tree, signatures := openCheckpoint(filepath.Join(string(root), "checkpoint"), verifiers)
	fmt.Printf("signatures %d\n", signatures)
	if signatures != len(verifiers) {
		log.Fatal("a signature is missing")
	}
	checkRecords(root, tree)
	for _, path := range earlier {
		old, _ := openCheckpoint(path, verifiers[:1])
		checkConsistency(root, tree, old)
	}
}

func openCheckpoint(path string, verifiers []note.Verifier) (tlog.Tree, int) {
	data, err := os.ReadFile(path)
	check(err, path)
	opened, err := note.Open(data, note.VerifierList(verifiers...))
	check(err, path)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "size")
	hash, err := tlog.ParseHash(lines[2])
	check(err, "root")
	if lines[0] != verifiers[0].Name() {
		log.Fatalf("%s: origin %q is not the key's name", path, lines[0])
	}
	return tlog.Tree{N: size, Hash: hash}, len(opened.Sigs)
}

func checkRecords(root folder, tree tlog.Tree) {
	reader := tlog.TileHashReader(tree, root)
	for start := int64(0); start < tree.N; start += 1 << height {
		width := tree.N - start
		if width > 1<<height {
			width = 1 << height
		}
		data, err := root.read(tlog.Tile{H: height, L: -1, N: start >> height, W: int(width)})
		check(err, "entries")
		for i := start; i < start+width; i++ {
			length := int(binary.BigEndian.Uint16(data))
			entry := data[2 : 2+length]
			data = data[2+length:]
			proof, err := tlog.ProveRecord(tree.N, i, reader)
			check(err, fmt.Sprintf("proof of entry %d", i))
			check(tlog.CheckRecord(proof, tree.N, tree.Hash, i, tlog.RecordHash(entry)), fmt.Sprintf("entry %d", i))
		}
		if len(data) != 0 {
			log.Fatalf("bundle at %d has %d bytes too many", start, len(data))
		}
	}
	fmt.Printf("records %d\n", tree.N)
}

func checkConsistency(root folder, tree, old tlog.Tree) {
	proof, err := tlog.ProveTree(tree.N, old.N, tlog.TileHashReader(tree, root))
	check(err, "consistency proof")
	check(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash), fmt.Sprintf("consistency with %d", old.N))
	fmt.Printf("consistent %d\n", old.N)
}

func parseWitness(text string) witness {
	parts := strings.SplitN(text, "+", 3)
	id, err := strconv.ParseUint(parts[1], 16, 32)
	check(err, "witness key")
	data, err := base64.StdEncoding.DecodeString(parts[2])
	check(err, "witness key")
	if data[0] != 4 || len(data) != 33 {
		log.Fatal("not a cosignature key")
	}
	return witness{parts[0], uint32(id), data[1:]}
}

func check(err error, what string) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}
