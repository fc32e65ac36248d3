package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"
)

// What the tests of takeouts may look at.

// errUndo has ChangeAndTake undo what was changed.
var errUndo = errors.New("undo")

// ChangeAndTake changes the database, takes somebody's takeout, and undoes the change.
// changed is how many rows were; an error of the change is that of one that can't be.
func ChangeAndTake(ctx context.Context, s *Store, account Private, change string, args ...any) (file string, changed int64, taking, changing error) {
	err := s.inTx(ctx, func(t *tx) error {
		res, err := t.Tx.ExecContext(ctx, change, args...)
		if err != nil {
			return err
		}
		if changed, err = res.RowsAffected(); err != nil || changed == 0 {
			return cmp.Or(err, errUndo)
		}
		var out takeout
		var p person
		if p, taking = t.find(account); taking == nil {
			out, taking = t.takeout(p)
		}
		b, err := json.Marshal(out)
		file = string(b)
		return cmp.Or(err, errUndo)
	})
	if !errors.Is(err, errUndo) {
		changing = err
	}
	return file, changed, taking, changing
}

// TakeoutFields lists the fields of a takeout, as "scenes[].checkins[].state".
func TakeoutFields() []string { return fieldsOf("", reflect.TypeFor[takeout]()) }

// ReadTakeout reads a takeout, and refuses fields that it does not know.
func ReadTakeout(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(&takeout{})
}

func fieldsOf(at string, of reflect.Type) (out []string) {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	switch {
	case of.Kind() == reflect.Slice:
		return fieldsOf(at+"[]", of.Elem())
	case of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]():
		return []string{at}
	}
	for i := range of.NumField() {
		out = append(out, fieldsOf(strings.TrimPrefix(at+"."+of.Field(i).Tag.Get("json"), "."), of.Field(i).Type)...)
	}
	return out
}
