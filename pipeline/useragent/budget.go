package useragent

import (
	"sync"
	"time"
)

// budgetStep is the length, in bytes, from which an agent counts once more: the rules' cost grows with it.
const budgetStep = 256

// budget is a token bucket: burst at once, rate a second. It counts agents and not time, so that the same input on a busy machine
// gets the same answers. A nil budget allows everything.
type budget struct {
	mu     sync.Mutex
	rate   float64
	burst  float64
	tokens float64
	last   time.Time
}

func newBudget(rate, burst int) *budget {
	if rate <= 0 {
		return nil
	}
	if burst <= 0 {
		burst = rate
	}
	return &budget{rate: float64(rate), burst: float64(burst), tokens: float64(burst)}
}

// take says whether an agent of that length may be parsed exactly, and counts it if so.
func (b *budget) take(length int) bool {
	if b == nil {
		return true
	}
	// A burst smaller than the longest agent must not shut it out for ever.
	price := min(float64(1+max(length-1, 0)/budgetStep), b.burst)
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if !b.last.IsZero() {
		b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.last).Seconds())
	}
	b.last = now
	if b.tokens < price {
		return false
	}
	b.tokens -= price
	return true
}
