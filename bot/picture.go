package bot

import (
	"bytes"
	"image/color"
	"image/png"
	"slices"
	"sync"
	"time"

	"git.sr.ht/~sbinet/gg"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"

	"aftercare/bot/text"
	"aftercare/store"
)

// The picture of somebody's own history. It has a ground of its own, so that it
// reads alike in Discord's dark and light theme, and type that is big enough when
// a phone shows it a third of its size. What a mark means is told by its shape and
// its place; colour only repeats it (Okabe and Ito's, which nobody mixes up).
const (
	pictureWidth, pictureHeight = 1000, 700

	plotLeft, plotRight = 196.0, 962.0
	plotTop             = 118.0 // of the highest level
	levelApart          = 68.0
	asideApart          = 62.0
	asideTop            = plotTop + 4*levelApart + 82 // below the scale
	plotBottom          = asideTop + asideApart + 32
	legendAt            = 664.0

	titleSize, axisSize, smallSize = 30.0, 30.0, 27.0
	markSize                       = 11.0
)

var (
	ground   = color.RGBA{0x23, 0x26, 0x2e, 0xff}
	ink      = color.RGBA{0xf2, 0xf3, 0xf5, 0xff}
	paleInk  = color.RGBA{0xc6, 0xcb, 0xd6, 0xff}
	rule     = color.RGBA{0x41, 0x46, 0x54, 0xff}
	faint    = color.RGBA{0x2f, 0x34, 0x3f, 0xff}
	thread   = color.RGBA{0x8b, 0x94, 0xa6, 0xff} // joins two days that follow each other
	ofFirst  = color.RGBA{0x56, 0xb4, 0xe9, 0xff}
	ofSecond = color.RGBA{0xe6, 0x9f, 0x00, 0xff}
	ofOther  = color.RGBA{0xd9, 0x8c, 0xb8, 0xff}
)

// The levels, highest first, and what is on no scale.
var (
	scale = []store.Feeling{"glowing", "good", "ok", "flat", "low"}
	aside = []store.Feeling{"mixed", "numb"}
)

// shape is how a mark looks, by the day that it belongs to.
type shape int

const (
	roundMark  shape = iota // the day after
	squareMark              // the second day
	pointMark               // any other time
)

var shapes = []struct {
	colour color.RGBA
	label  text.Key
}{roundMark: {ofFirst, text.MarkDay1}, squareMark: {ofSecond, text.MarkDay2}, pointMark: {ofOther, text.HistoryOther}}

func shapeOf(f store.Felt) shape {
	switch {
	case f.Round:
		return pointMark
	case f.Day() == 1:
		return roundMark
	case f.Day() == 2:
		return squareMark
	}
	return pointMark
}

var goFont = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(goregular.TTF) })

// canvas is a picture in the making.
type canvas struct {
	*gg.Context
	small, big font.Face
	from       time.Time // the first midnight
	days       int
	zone       *time.Location
	size       float64 // of a mark
}

// drawHistory returns the picture as PNG: the same bytes for the same history.
func drawHistory(h store.History) ([]byte, error) {
	c, err := newCanvas(h)
	if err != nil {
		return nil, err
	}
	c.title(h)
	c.calendar()
	c.levels()
	c.marks(h.Felt)
	c.legend(h.Felt)
	var out bytes.Buffer
	err = png.Encode(&out, c.Image())
	return out.Bytes(), err
}

func newCanvas(h store.History) (*canvas, error) {
	face, err := goFont()
	if err != nil {
		return nil, err
	}
	c := &canvas{Context: gg.NewContext(pictureWidth, pictureHeight), zone: h.Zone, from: midnight(h.From.In(h.Zone))}
	c.days = daysBetween(c.from, h.To.In(h.Zone)) + 1
	c.size = markSize
	if c.dense() {
		c.size *= 0.7
	}
	if c.small, err = opentype.NewFace(face, &opentype.FaceOptions{Size: smallSize, DPI: 72}); err != nil {
		return nil, err
	}
	if c.big, err = opentype.NewFace(face, &opentype.FaceOptions{Size: axisSize, DPI: 72}); err != nil {
		return nil, err
	}
	c.SetColor(ground)
	c.Clear()
	return c, nil
}

// dense tells that the days stand too close for lines between them, and for weeks.
func (c *canvas) dense() bool { return c.days > 120 }

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// daysBetween counts midnights, whatever the clocks did between them.
func daysBetween(a, b time.Time) int {
	utc := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(utc(b).Sub(utc(a)) / (24 * time.Hour))
}

func (c *canvas) write(face font.Face, ink color.Color, s string, x, y, ax float64) {
	c.SetFontFace(face)
	c.SetColor(ink)
	c.DrawStringAnchored(s, x, y, ax, 0.35)
}

func (c *canvas) title(h store.History) {
	from, to := h.From.In(h.Zone), h.To.In(h.Zone)
	c.write(c.big, ink, text.T(text.HistoryTitle, "from", dayIn(from, to), "to", dayOf(to)+to.Format(" 2006")), 38, 52, 0)
}

// heightOf is how far down a feeling stands.
func heightOf(f store.Feeling) (y float64, scaled bool) {
	if i := slices.Index(scale, f); i >= 0 {
		return plotTop + float64(i)*levelApart, true
	}
	return asideTop + float64(slices.Index(aside, f))*asideApart, false
}

// levels draws the scale, and below it the rows of what is on none.
func (c *canvas) levels() {
	c.SetLineWidth(2)
	for _, f := range slices.Concat(scale, aside) {
		y, scaled := heightOf(f)
		c.SetColor(rule)
		if !scaled {
			c.SetDash(3, 9)
		}
		c.DrawLine(plotLeft, y, plotRight, y)
		c.Stroke()
		label := text.T(text.Key("feeling." + string(f)))
		if f == "mixed" {
			label = text.T(text.HistoryMixed)
		}
		c.write(c.big, ink, label, plotLeft-24, y, 1)
	}
	c.SetDash()
}

// across is where a moment stands, by its day and hour in its person's zone.
func (c *canvas) across(t time.Time) float64 {
	t = t.In(c.zone)
	day := float64(daysBetween(c.from, t)) + (float64(t.Hour())+float64(t.Minute())/60)/24
	return plotLeft + day/float64(c.days)*(plotRight-plotLeft)
}

// calendar marks weeks, or months where those would stand too close.
func (c *canvas) calendar() {
	n := 0
	for i := range c.days {
		day := time.Date(c.from.Year(), c.from.Month(), c.from.Day()+i, 0, 0, 0, 0, c.zone)
		label, every := day.Format("2 Jan"), 1
		switch {
		case c.dense():
			label, every = day.Format("Jan"), 2
			if day.Day() != 1 {
				continue
			}
		case day.Weekday() != time.Monday:
			continue
		case c.days > 40:
			every = 3
		}
		x := plotLeft + float64(i)/float64(c.days)*(plotRight-plotLeft)
		c.SetColor(faint)
		c.SetLineWidth(2)
		c.DrawLine(x, plotTop-26, x, plotBottom)
		c.Stroke()
		c.SetFontFace(c.small)
		if wide, _ := c.MeasureString(label); n%every == 0 && x+wide/2 <= pictureWidth-12 {
			c.write(c.small, paleInk, label, x, plotBottom+24, 0.5)
		}
		n++
	}
}

// spot is a mark in its place.
type spot struct {
	x, y   float64
	day    int
	scaled bool
	shape  shape
}

// marks draws what was felt. Two days that follow each other are joined; there is
// no line over a day without an answer, nor over one that is on no scale.
func (c *canvas) marks(felt []store.Felt) {
	spots := c.spots(felt)
	c.SetColor(thread)
	c.SetLineWidth(c.size * 0.36)
	for i := 1; i < len(spots) && !c.dense(); i++ {
		a, b := spots[i-1], spots[i]
		if a.scaled && b.scaled && b.day-a.day <= 1 {
			c.DrawLine(a.x, a.y, b.x, b.y)
			c.Stroke()
		}
	}
	for _, s := range spots {
		c.mark(s)
	}
}

// spots finds the places. Of several at one moment and level each shows.
func (c *canvas) spots(felt []store.Felt) (out []spot) {
	before := map[float64]float64{} // by row, the mark last placed in it
	for _, f := range felt {
		y, scaled := heightOf(f.Feeling)
		s := spot{c.across(f.At), y, daysBetween(c.from, f.At.In(c.zone)), scaled, shapeOf(f)}
		if last, ok := before[y]; ok {
			s.x = max(s.x, min(last+c.size, s.x+c.size))
		}
		s.x = min(s.x, plotRight)
		before[y] = s.x
		out = append(out, s)
	}
	return out
}

// mark draws one: whole on the scale, and hollow on none.
func (c *canvas) mark(s spot) {
	outline := func(r float64) {
		switch s.shape {
		case roundMark:
			c.DrawCircle(s.x, s.y, r)
		case squareMark:
			c.DrawRectangle(s.x-r*0.9, s.y-r*0.9, r*1.8, r*1.8)
		case pointMark:
			c.DrawRegularPolygon(3, s.x, s.y+r*0.15, r*1.25, 0)
		}
	}
	outline(c.size + 3)
	c.SetColor(ground)
	c.Fill()
	c.SetColor(shapes[s.shape].colour)
	if s.scaled {
		outline(c.size)
		c.Fill()
		return
	}
	c.SetLineWidth(c.size * 0.42)
	outline(c.size * 0.88)
	c.Stroke()
}

// legend says what the shapes mean, those that there are.
func (c *canvas) legend(felt []store.Felt) {
	x := plotLeft
	for s, look := range shapes {
		if !slices.ContainsFunc(felt, func(f store.Felt) bool { return shapeOf(f) == shape(s) }) {
			continue
		}
		big := *c
		big.size = markSize
		big.mark(spot{x: x + markSize, y: legendAt, scaled: true, shape: shape(s)})
		label := text.T(look.label)
		c.write(c.small, paleInk, label, x+2*markSize+14, legendAt, 0)
		wide, _ := c.MeasureString(label)
		x += 2*markSize + 14 + wide + 40
	}
}

// dayOf is a day as a person would name it, and dayIn one in the year of another.
func dayOf(t time.Time) string { return t.Format("2 January") }

func dayIn(t, other time.Time) string {
	if t.Year() != other.Year() {
		return dayOf(t) + t.Format(" 2006")
	}
	return dayOf(t)
}
