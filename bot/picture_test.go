package bot

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"aftercare/store"
)

var drawnAt = time.Date(2026, time.March, 10, 20, 0, 0, 0, time.UTC)

// historyOf is a history of so many days; each point is days ago, on which day
// after the scene, and the feeling.
func historyOf(days int, points ...any) store.History {
	h := store.History{On: true, From: drawnAt.AddDate(0, 0, -days), To: drawnAt, Zone: time.UTC, Zoned: true}
	for i := 0; i+2 < len(points); i += 3 {
		ago := time.Duration(float64(24*time.Hour) * toFloat(points[i]))
		f := store.Felt{ID: int64(i + 1), At: drawnAt.Add(-ago), Feeling: store.Feeling(points[i+2].(string))}
		if day := points[i+1].(int); day < 0 {
			f.Round = true
		} else {
			f.Mark, f.Size = time.Duration(day)*24*time.Hour, store.Usual
		}
		h.Felt = append(h.Felt, f)
	}
	return h
}

func toFloat(v any) float64 {
	if n, ok := v.(int); ok {
		return float64(n)
	}
	return v.(float64)
}

// year is as full as a history gets: three scenes a week, for a year.
func year() store.History {
	h := historyOf(365)
	r := rand.New(rand.NewPCG(1, 2))
	for at := h.From.Add(time.Hour); at.Before(h.To); at = at.Add(56 * time.Hour) {
		for day := 1; day <= 2; day++ {
			h.Felt = append(h.Felt, store.Felt{
				ID: int64(len(h.Felt) + 1), At: at.Add(time.Duration(day) * 24 * time.Hour), Mark: time.Duration(day) * 24 * time.Hour,
				Size: store.Usual, Feeling: store.Feelings[r.IntN(len(store.Feelings))],
			})
		}
	}
	return h
}

var pictures = map[string]store.History{
	"few": historyOf(28, 20.2, 1, "ok", 19.2, 2, "low"),
	"month": historyOf(28, 26, 1, "good", 25, 2, "ok", 19, 1, "glowing", 18, 2, "flat", 17, 3, "ok",
		12, -1, "good", 9, 1, "mixed", 8, 2, "numb", 5.1, 1, "good", 5.0, 1, "good", 4, 2, "low", 1, 1, "ok", 0, 2, "good"),
	"all": historyOf(28, 24, 1, "low", 23, 2, "flat", 20, 1, "ok", 19, 2, "good", 16, 1, "glowing", 15, 2, "mixed", 12, 1, "mixed",
		11, 2, "numb", 8, 1, "numb", 7, -1, "glowing", 6, -1, "numb"),
	"months": historyOf(91, 88, 1, "ok", 87, 2, "low", 74, 1, "good", 73, 2, "flat", 60, 1, "glowing", 59, 2, "ok", 58, 3, "good",
		40, 1, "numb", 39, 2, "mixed", 20, 1, "good", 19, 2, "low", 6, 1, "good", 5, 2, "good"),
	"year": year(),
}

func drawn(t testing.TB, h store.History) image.Image {
	t.Helper()
	b, err := drawHistory(h)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestPictures draws them all; with AFTERCARE_PICTURES set to a folder, to look at.
func TestPictures(t *testing.T) {
	for name, h := range pictures {
		b, err := drawHistory(h)
		if err != nil {
			t.Fatal(err)
		}
		again, err := drawHistory(h)
		if err != nil || !bytes.Equal(b, again) {
			t.Errorf("%s: another picture of the same, %v", name, err)
		}
		c, err := png.DecodeConfig(bytes.NewReader(b))
		if err != nil || c.Width != pictureWidth || c.Height != pictureHeight {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		if len(b) > 200<<10 {
			t.Errorf("%s: %d bytes", name, len(b))
		}
		if dir := os.Getenv("AFTERCARE_PICTURES"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, name+".png"), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPictureOfAGap: days without an answer are empty, at every height, and days
// that follow each other are joined.
func TestPictureOfAGap(t *testing.T) {
	h := historyOf(28, 20, 1, "good", 19, 2, "flat", 9, 1, "flat", 8, 2, "mixed", 7, -1, "good")
	c, err := newCanvas(h)
	if err != nil {
		t.Fatal(err)
	}
	at := func(ago float64) float64 { return c.across(drawnAt.Add(-time.Duration(ago * float64(24*time.Hour)))) }
	got := drawn(t, h)
	blank := drawn(t, historyOf(28))
	changed := func(from, to, top, bottom float64) (n int) {
		for x := int(from); x < int(to); x++ {
			for y := int(top); y < int(bottom); y++ {
				if got.At(x, y) != blank.At(x, y) {
					n++
				}
			}
		}
		return n
	}
	const clear = markSize + 5
	if n := changed(at(19)+clear, at(9)-clear, 0, plotBottom); n > 0 {
		t.Errorf("%d pixels are drawn where nobody answered", n)
	}
	if n := changed(at(20), at(19), plotTop+2*levelApart-20, plotTop+2*levelApart+20); n == 0 {
		t.Error("two days that follow each other are not joined")
	}
	if n := changed(at(9), at(7), plotTop+4*levelApart-20, asideTop-20); n > 0 {
		t.Errorf("%d pixels are drawn to or from a mark that is on no scale", n)
	}
	if low := int(plotTop + 4*levelApart); got.At(int(at(14)), low) != color.Color(rule) {
		t.Errorf("a day without an answer is not the bare line of its level: %v", got.At(int(at(14)), low))
	}
}

// TestPictureTellsShapesApart holds that nothing is told by colour alone.
func TestPictureTellsShapesApart(t *testing.T) {
	seen := map[string]string{}
	for _, f := range []store.Feeling{"low", "numb"} {
		for name, day := range map[string]int{"day after": 1, "second day": 2, "third day": 3} {
			h := historyOf(28, 14, day, string(f))
			c, err := newCanvas(h)
			if err != nil {
				t.Fatal(err)
			}
			img, x := drawn(t, h), int(c.across(h.Felt[0].At))
			y, _ := heightOf(f)
			var outline []byte
			for dy := -16; dy <= 16; dy++ {
				for dx := -16; dx <= 16; dx++ {
					on := byte('.')
					if brightness(img.At(x+dx, int(y)+dy)) > 0.15 {
						on = '#'
					}
					outline = append(outline, on)
				}
			}
			what := name + " " + string(f)
			if other, ok := seen[string(outline)]; ok {
				t.Errorf("%s has the shape of %s", what, other)
			}
			seen[string(outline)] = what
		}
	}
}

// brightness is the relative luminance of WCAG 2.
func brightness(c color.Color) float64 {
	linear := func(v uint32) float64 {
		s := float64(v) / 0xffff
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	r, g, b, _ := c.RGBA()
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

func TestPictureContrast(t *testing.T) {
	for name, c := range map[string]color.RGBA{
		"ink": ink, "pale ink": paleInk, "thread": thread, "first": ofFirst, "second": ofSecond, "other": ofOther,
	} {
		contrast := (brightness(c) + 0.05) / (brightness(ground) + 0.05)
		if contrast < 4.5 {
			t.Errorf("%s stands out by %.2f; at least 4.5", name, contrast)
		}
	}
	for name, h := range pictures { // its own ground everywhere, whatever the theme
		img := drawn(t, h)
		for _, p := range []image.Point{{0, 0}, {pictureWidth - 1, 0}, {0, pictureHeight - 1}, {pictureWidth - 1, pictureHeight - 1}} {
			if img.At(p.X, p.Y) != color.Color(ground) {
				t.Errorf("%s: %v at %v", name, img.At(p.X, p.Y), p)
			}
		}
	}
}

// TestPictureOfAZone: a day is the person's own.
func TestPictureOfAZone(t *testing.T) {
	sydney, err := time.LoadLocation("Australia/Sydney")
	if err != nil {
		t.Fatal(err)
	}
	h := historyOf(28, 3, 1, "ok")
	there := h
	there.Zone = sydney
	a, err := newCanvas(h)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newCanvas(there)
	if err != nil {
		t.Fatal(err)
	}
	if a.from.Equal(b.from) || b.days != 29 || b.from.Hour() != 0 {
		t.Errorf("%v and %v, %d days", a.from, b.from, b.days)
	}
	// Its clocks go back on 5 April 2026; no day is lost or counted twice.
	if n := daysBetween(time.Date(2026, 4, 4, 23, 0, 0, 0, sydney), time.Date(2026, 4, 6, 1, 0, 0, 0, sydney)); n != 2 {
		t.Errorf("%d midnights", n)
	}
	if n := daysBetween(time.Date(2026, 10, 3, 1, 0, 0, 0, sydney), time.Date(2026, 10, 5, 0, 0, 0, 0, sydney)); n != 2 {
		t.Errorf("%d midnights", n)
	}
}

func BenchmarkPicture(b *testing.B) {
	for _, name := range []string{"month", "year"} {
		h := pictures[name]
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := drawHistory(h); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
