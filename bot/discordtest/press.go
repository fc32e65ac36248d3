package discordtest

import (
	"fmt"
	"slices"
	"strings"
)

// Press presses the button of that label on the newest message that has one,
// in their DM or in the server.
func (p *Person) Press(label string) error { return p.PressOn("", label) }

// PressOn is Press on a message that has part in what can be seen of it.
func (p *Person) PressOn(part, label string) error {
	return p.act(func() error {
		var button Component
		m := p.newest(part, func(m *message) bool {
			found := false
			walk(m.Components, func(c Component) {
				if !found && c.pressable() && (c.Label == label || c.face() == label) {
					button, found = c, true
				}
			})
			return found
		})
		if m == nil {
			return fmt.Errorf("no button %q to press; there is %s", label, p.buttons())
		}
		p.d.interact(p, m.channel, kindComponent, m, object{"custom_id": button.CustomID, "component_type": typeButton, "id": button.ID})
		return nil
	})
}

// buttons lists what could be pressed, newest message first.
func (p *Person) buttons() string {
	var all []string
	for _, m := range slices.Backward(p.d.messages) {
		if m.seenBy(p) {
			all = append(all, m.Buttons()...)
		}
	}
	if len(all) == 0 {
		return "none"
	}
	return "[" + strings.Join(all, "] [") + "]"
}

// Pick chooses options in the newest select that has them all.
func (p *Person) Pick(labels ...string) error {
	return p.act(func() error {
		var menu Component
		var values []string
		m := p.newest("", func(m *message) bool {
			found := false
			walk(m.Components, func(c Component) {
				if v, ok := c.pick(labels); ok && !found {
					menu, values, found = c, v, true
				}
			})
			return found
		})
		if m == nil {
			return fmt.Errorf("no select has %q; there is %s", labels, p.selects())
		}
		if err := menu.enough(len(values)); err != nil {
			return err
		}
		p.d.interact(p, m.channel, kindComponent, m, object{"custom_id": menu.CustomID, "component_type": typeSelect, "values": values, "id": menu.ID})
		return nil
	})
}

func (p *Person) selects() string {
	var all []string
	for _, m := range slices.Backward(p.d.messages) {
		if m.seenBy(p) {
			walk(m.Components, func(c Component) {
				if c.Type == typeSelect {
					all = append(all, control(c))
				}
			})
		}
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// pick returns the values of the options with these labels, if c has them all.
func (c Component) pick(labels []string) (values []string, ok bool) {
	if c.Type != typeSelect || c.Disabled {
		return nil, false
	}
	for _, label := range labels {
		at := slices.IndexFunc(c.Options, func(o Option) bool { return o.Label == label })
		if at < 0 {
			return nil, false
		}
		values = append(values, c.Options[at].Value)
	}
	return values, true
}

// enough holds the number of values against the select's limits, which are
// one and one when unsaid.
func (c Component) enough(n int) error {
	least, most := 1, 1
	if c.MinValues != nil {
		least = *c.MinValues
	}
	if c.MaxValues != nil {
		most = *c.MaxValues
	}
	if n < least || n > most {
		return fmt.Errorf("this select takes %d to %d options, not %d", least, most, n)
	}
	return nil
}
