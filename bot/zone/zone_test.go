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

func TestOffsets(t *testing.T) {
	for typed, want := range map[string]Place{
		"UTC+2": {"Etc/GMT-2", "UTC+2"}, "utc +2": {"Etc/GMT-2", "UTC+2"}, "GMT-5": {"Etc/GMT+5", "UTC-5"}, "gmt\u22125": {"Etc/GMT+5", "UTC-5"},
		"UTC+02:00": {"Etc/GMT-2", "UTC+2"}, "UTC+0200": {"Etc/GMT-2", "UTC+2"}, "UTC+14": {"Etc/GMT-14", "UTC+14"}, "UTC-12": {"Etc/GMT+12", "UTC-12"},
		"UTC+0": {"UTC", "UTC"}, "GMT-0": {"UTC", "UTC"}, "Etc/GMT-2": {"Etc/GMT-2", "UTC+2"}, "Etc/GMT+5": {"Etc/GMT+5", "UTC-5"},
		"UTC+15": {}, "UTC-13": {}, "UTC+5:30": {}, "UTC+99": {},
	} {
		got := Find(typed, 25)
		if len(got) > 1 || (len(got) == 1) != (want.Zone != "") || len(got) == 1 && got[0] != want {
			t.Errorf("%q: %v, want %v", typed, got, want)
		}
		if want.Zone == "" {
			continue
		}
		if whole := Whole(" " + typed + " "); len(whole) != 1 || whole[0] != want {
			t.Errorf("%q in full: %v, want %v", typed, whole, want)
		}
		loc, err := time.LoadLocation(want.Zone)
		if err != nil {
			t.Fatal(err)
		}
		if got, at := City(want.Zone), time.Unix(0, 0).In(loc).Format("-07"); got != want.Name || want.Zone == "Etc/GMT-2" && at != "+02" || want.Zone == "Etc/GMT+5" && at != "-05" {
			t.Errorf("%q is shown as %q and is %s", typed, got, at)
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
