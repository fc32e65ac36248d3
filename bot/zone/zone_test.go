package zone

import (
	"testing"
	"time"
	_ "time/tzdata"
)

func TestEveryZoneIsOne(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range entries {
		if _, err := time.LoadLocation(e.Zone); err != nil {
			t.Errorf("%s: %v", e.Zone, err)
		}
		if e.plain == "" {
			t.Errorf("%s has a name that can't be typed: %q", e.Zone, e.Name)
		}
		first := e.rank == 0 || e.rank == obscure
		if first && seen[e.Zone] {
			t.Errorf("%s stands there twice", e.Zone)
		}
		seen[e.Zone] = seen[e.Zone] || first
	}
	if len(seen) < 400 {
		t.Errorf("%d zones", len(seen))
	}
}

func TestFind(t *testing.T) {
	for typed, want := range map[string]string{
		"berlin": "Europe/Berlin", "Ber": "Europe/Berlin", "munich": "Europe/Berlin", "MÜNCHEN": "Europe/Berlin", "munchen": "Europe/Berlin",
		"new york": "America/New_York", "New_York": "America/New_York", "nyc": "", "san fran": "America/Los_Angeles", "são paulo": "America/Sao_Paulo", "sao": "America/Sao_Paulo",
		"europe/berlin": "Europe/Berlin", "Asia/Calcutta": "Asia/Calcutta", "Kolkata": "Asia/Kolkata", "mumbai": "Asia/Kolkata",
		"Lodz": "Europe/Warsaw", "kiev": "", "Europe/Kiev": "Europe/Kiev", "Kyiv": "Europe/Kyiv", "utc": "UTC", "germany": "Europe/Berlin",
		"": "", "   ": "", "../../etc/passwd": "", "/etc/passwd": "", "x": "", "zzzz": "", "Lord Howe": "Australia/Lord_Howe", "buenos": "America/Argentina/Buenos_Aires",
	} {
		got := Find(typed, 25)
		switch {
		case want == "" && len(got) > 0 && typed != "x":
			t.Errorf("%q: %v", typed, got)
		case want != "" && (len(got) == 0 || got[0].Zone != want):
			t.Errorf("%q: %v, want %s first", typed, got, want)
		}
		if len(got) > 25 {
			t.Errorf("%q: %d places", typed, len(got))
		}
		for _, p := range got {
			if _, err := time.LoadLocation(p.Zone); err != nil {
				t.Errorf("%q: %v", typed, err)
			}
		}
	}
}

func TestWhole(t *testing.T) {
	if got := Whole("newcastle"); len(got) != 1 || got[0].Zone != "Europe/London" {
		t.Errorf("newcastle is %v", got)
	}
	if got := Whole("New"); len(got) != 0 {
		t.Errorf("a beginning is %v", got)
	}
}
