package discordtest

import (
	"net/http"
	"time"
)

// Fault is one thing that goes wrong with one REST request.
type Fault struct {
	Before bool          // the request is not carried out
	Status int           // what is answered instead; 0: the true answer
	Header http.Header   // goes with Status
	Body   string        // goes with Status
	Lose   bool          // no answer: the connection breaks
	Delay  time.Duration // how long it takes until anything happens
}

// SetFault replaces Options.Fault; nil heals.
func (d *Discord) SetFault(f func(*http.Request) *Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opts.Fault = f
}

// fault asks the hook without the lock, so that it may ask the Discord things.
func (d *Discord) fault(r *http.Request) *Fault {
	d.mu.Lock()
	hook := d.opts.Fault
	d.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(r)
}

func (f *Fault) wait(r *http.Request) error {
	if f == nil || f.Delay <= 0 {
		return nil
	}
	t := time.NewTimer(f.Delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
	}
}

// replace puts the fault in the place of the true answer.
func (f *Fault) replace(a answer) (answer, http.Header, error) {
	if f.Lose || f.Before && f.Status == 0 {
		return answer{}, nil, errHungUp
	}
	h := f.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if f.Status != 0 {
		a = answer{f.Status, f.Body}
	}
	return a, h, nil
}
