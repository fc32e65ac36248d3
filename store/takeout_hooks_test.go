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
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if name != "" { // it is not written
			out = append(out, fieldsOf(strings.TrimPrefix(at+"."+name, "."), of.Field(i).Type)...)
		}
	}
	return out
}

// SealedFields lists what there is in the columns that are sealed as JSON.
func SealedFields() (out []string) {
	for column, of := range map[string]reflect.Type{
		"persons.settings": reflect.TypeFor[Settings](),
		"sides.terms":      reflect.TypeFor[terms](),
		"answers.body":     reflect.TypeFor[body](),
		"cards.body":       reflect.TypeFor[cardBody](),
		"feelings.body":    reflect.TypeFor[feltBody](),
	} {
		out = append(out, fieldsOf(column, of)...)
	}
	return out
}

// UnseenSettings lists the settings that can change without that showing in a takeout.
func UnseenSettings() (out []string) {
	before := takeSettings(Settings{})
	of := reflect.TypeFor[Settings]()
	for i := range of.NumField() {
		var s Settings
		switch f := reflect.ValueOf(&s).Elem().Field(i); f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString("light")
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		}
		if reflect.DeepEqual(takeSettings(s), before) {
			out = append(out, of.Field(i).Name)
		}
	}
	return out
}
