package suggest

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"orders", "order-items", "payments", "prod", "prod-eu", "a"}
	for word, want := range map[string][]string{
		"ordrs": {"orders"}, "roders": {"orders"}, "order": {"order-items", "orders"}, "orderitems": {"order-items"},
		"pro": {"prod", "prod-eu"}, "prdo": {"prod"}, "xyz": {}, "": {}, "orders": {}, "paymnet": {"payments"}, "ORDERS": {"orders"},
	} {
		if got := Nearest(word, names); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", word, got, want)
		}
	}
	if got := Nearest("t", []string{"t1", "t2", "t3", "t4"}); len(got) != 3 {
		t.Errorf("no more than three: %v", got)
	}
}
