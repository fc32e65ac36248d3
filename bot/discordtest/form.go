package discordtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// openForm is the form before a person, and what they opened it with.
type openForm struct {
	modal
	via *interaction
}

// input is one thing to fill in, with the label that stands beside it.
type input struct {
	Component
	label string
}

// inputs returns what there is to fill in, top to bottom.
func (m *modal) inputs() (list []input) {
	for _, c := range m.Components {
		switch {
		case c.Type == typeRow && len(c.Components) == 1:
			list = append(list, input{c.Components[0], c.Components[0].Label})
		case c.Type == typeLabel && c.Component != nil:
			list = append(list, input{*c.Component, c.Label})
		}
	}
	return list
}

// openForm carries out a callback of type 9.
func (d *Discord) openForm(v *interaction, data json.RawMessage) answer {
	f, form := flaws{}, &openForm{via: v}
	if err := json.Unmarshal(data, &form.modal); err != nil {
		f.add("data", "BASE_TYPE_CONVERT", "%v", err)
	} else {
		form.check(f)
	}
	if len(f) > 0 {
		return f.answer()
	}
	v.person.form = form
	d.see(v.person, d.formText(v.person, &form.modal))
	return answer{status: 204}
}

// Form returns the title and the labels of the form that is open for them.
func (p *Person) Form() (title string, fields []string, open bool) {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	if p.form == nil {
		return "", nil, false
	}
	for _, in := range p.form.inputs() {
		fields = append(fields, in.label)
	}
	return p.form.Title, fields, true
}

// CloseForm closes the form without sending it; the bot does not learn of it.
func (p *Person) CloseForm() { p.d.do(func() { p.form = nil }) }

// Submit sends the open form. Fields go by their labels; "" is the only field
// of a form that has one. What is not given stays as it was filled in before.
// In a select the answer is an option's label, or several with " | " between.
func (p *Person) Submit(fields map[string]string) error {
	return p.act(func() error {
		form := p.form
		if form == nil {
			return errors.New("no form is open")
		}
		values, err := form.fill(fields)
		if err != nil {
			return err
		}
		p.form = nil
		data := object{"custom_id": form.CustomID, "components": form.submitted(values), "resolved": object{}}
		p.d.interact(p, form.via.channel, kindModal, form.via.source, data)
		return nil
	})
}

// fill returns the value of each input, by custom id: a string, or a list.
func (m *modal) fill(fields map[string]string) (object, error) {
	inputs, values := m.inputs(), object{}
	used := 0
	for _, in := range inputs {
		given, ok := fields[in.label]
		if s, only := fields[""]; only && !ok && len(inputs) == 1 {
			given, ok = s, true
		}
		if ok {
			used++
		}
		v, err := in.fill(given, ok)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.label, err)
		}
		values[in.CustomID] = v
	}
	if used < len(fields) {
		return nil, fmt.Errorf("the form %q has the fields %s", m.Title, labels(inputs))
	}
	return values, nil
}

func labels(inputs []input) string {
	var all []string
	for _, in := range inputs {
		all = append(all, fmt.Sprintf("%q", in.label))
	}
	return strings.Join(all, ", ")
}

func (in input) fill(given string, ok bool) (any, error) {
	if in.Type != typeTextInput {
		return in.choose(given, ok)
	}
	if !ok {
		given = in.Value
	}
	n := len([]rune(given))
	switch {
	case n == 0 && in.needed():
		return nil, errors.New("this field is required")
	case n > 0 && in.MinLength != nil && n < *in.MinLength:
		return nil, fmt.Errorf("at least %d characters, not %d", *in.MinLength, n)
	case in.MaxLength != nil && *in.MaxLength > 0 && n > *in.MaxLength || n > 4000:
		return nil, fmt.Errorf("%d characters are too many", n)
	}
	return given, nil
}

// choose fills in a select; without an answer its defaults stay.
func (in input) choose(given string, ok bool) (any, error) {
	picked := []string{}
	for _, o := range in.Options {
		if !ok && o.Default {
			picked = append(picked, o.Value)
		}
	}
	if given != "" {
		values, found := in.pick(strings.Split(given, " | "))
		if !found {
			return nil, fmt.Errorf("%q is not among %s", given, control(in.Component))
		}
		picked = values
	}
	if len(picked) == 0 && !in.needed() {
		return picked, nil
	}
	return picked, in.enough(len(picked))
}

// submitted returns the components of the event, in the shape of the form.
func (m *modal) submitted(values object) []any {
	list := []any{}
	for i, c := range m.Components {
		o := object{"type": c.Type, "id": i + 1}
		switch {
		case c.Type == typeRow && len(c.Components) == 1:
			o["components"] = []any{c.Components[0].submitted(values)}
		case c.Type == typeLabel && c.Component != nil:
			o["component"] = c.Component.submitted(values)
		}
		list = append(list, o)
	}
	return list
}

func (c Component) submitted(values object) object {
	o := object{"type": c.Type, "id": 0, "custom_id": c.CustomID}
	if c.Type == typeTextInput {
		o["value"] = values[c.CustomID]
	} else {
		o["values"] = values[c.CustomID]
	}
	return o
}
