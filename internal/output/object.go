package output

// Object is a JSON object whose keys keep the order in which they were added,
// for the few outputs whose keys are not known when the program is written.
type Object struct {
	keys   []string
	values []any
}

// Add appends a key. It does not look for an equal one.
func (o *Object) Add(key string, value any) {
	o.keys = append(o.keys, key)
	o.values = append(o.values, value)
}

func (o Object) node() (*node, error) {
	n := &node{kind: mapping}
	for i, key := range o.keys {
		child, err := build(o.values[i])
		if err != nil {
			return nil, err
		}
		n.add(key, child)
	}
	return n, nil
}
