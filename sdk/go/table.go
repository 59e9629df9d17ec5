package sandglass

import (
	"bytes"
	"encoding/json"
	"iter"
	"math"
	"runtime"
	"strings"
	"time"
)

// Row is one row, with its fields read into a T.
type Row[T any] struct {
	ID string
	// Version is 0 while it is not committed.
	Version   uint64
	CreatedAt time.Time
	UpdatedAt time.Time
	Fields    T
}

// Table is a table that the job was granted, of rows that are read into a T. It may not exist yet: the first insert
// makes it.
type Table[T any] struct {
	name   string
	handle uint32
}

// Open opens a table. Denied where the job has no grant for it. map[string]any takes whatever its rows are; numbers
// in it are json.Number, with all their digits.
func Open[T any](name string) (*Table[T], error) {
	at, size := data(name)
	ret := ask(func(ret pointer) { tableOpen(at, size, ret) })
	runtime.KeepAlive(name)
	if err := ret.err(4); err != nil {
		return nil, err
	}
	return &Table[T]{name: name, handle: ret.u32(4)}, nil
}

// Close gives the handle back, of which an attempt can hold 1,000.
func (t *Table[T]) Close() { tableDrop(t.handle) }

// Insert adds a row and returns the id that was made for it.
func (t *Table[T]) Insert(fields T) (string, error) { return t.insert(fields, nil) }

// InsertWithID adds a row under an id of the job's choice. Conflict where it is there already.
func (t *Table[T]) InsertWithID(id string, fields T) error {
	_, err := t.insert(fields, &id)
	return err
}

func (t *Table[T]) insert(fields T, id *string) (string, error) {
	text, err := toJSON(fields)
	if err != nil {
		return "", err
	}
	at, size := data(text)
	ret := ask(func(ret pointer) {
		if id == nil {
			tableInsert(t.handle, at, size, 0, nil, 0, ret)
		} else {
			idAt, idSize := data(*id)
			tableInsert(t.handle, at, size, 1, idAt, idSize, ret)
		}
	})
	runtime.KeepAlive(text)
	runtime.KeepAlive(id)
	if err := ret.err(4); err != nil {
		return "", err
	}
	return ret.text(4), nil
}

// Get is one row by its id, nil where there is no such row.
func (t *Table[T]) Get(id string) (*Row[T], error) {
	at, size := data(id)
	ret := ask(func(ret pointer) { tableGet(t.handle, at, size, ret) })
	runtime.KeepAlive(id)
	if err := ret.err(8); err != nil {
		return nil, err
	}
	if ret.u8(8) == 0 {
		return nil, nil
	}
	return t.row((*[5]uint64)(ret.at(16)))
}

// Put puts a row under an id, in place of what is there.
func (t *Table[T]) Put(id string, fields T) error {
	text, err := toJSON(fields)
	if err != nil {
		return err
	}
	idAt, idSize := data(id)
	at, size := data(text)
	ret := ask(func(ret pointer) { tablePut(t.handle, idAt, idSize, at, size, ret) })
	runtime.KeepAlive(id)
	runtime.KeepAlive(text)
	return ret.err(4)
}

// Update merges the members of changes into a row (RFC 7396: null removes a member). NotFound where there is no such
// row.
func (t *Table[T]) Update(id string, changes any) error { return t.update(id, changes, 0, 0) }

// UpdateIf is Update where the row still has this version, and else Conflict.
func (t *Table[T]) UpdateIf(id string, version uint64, changes any) error {
	return t.update(id, changes, 1, version)
}

func (t *Table[T]) update(id string, changes any, some uint32, version uint64) error {
	text, err := toJSON(changes)
	if err != nil {
		return err
	}
	idAt, idSize := data(id)
	at, size := data(text)
	ret := ask(func(ret pointer) { tableUpdate(t.handle, idAt, idSize, at, size, some, version, ret) })
	runtime.KeepAlive(id)
	runtime.KeepAlive(text)
	return ret.err(4)
}

// Delete deletes a row and says whether there was one.
func (t *Table[T]) Delete(id string) (bool, error) { return t.delete(id, 0, 0) }

// DeleteIf is Delete where the row still has this version, and else Conflict.
func (t *Table[T]) DeleteIf(id string, version uint64) (bool, error) { return t.delete(id, 1, version) }

func (t *Table[T]) delete(id string, some uint32, version uint64) (bool, error) {
	at, size := data(id)
	ret := ask(func(ret pointer) { tableDelete(t.handle, at, size, some, version, ret) })
	runtime.KeepAlive(id)
	if err := ret.err(4); err != nil {
		return false, err
	}
	return ret.u8(4) != 0, nil
}

// Query begins a query of every row.
func (t *Table[T]) Query() *Query[T] { return &Query[T]{table: t, groups: make([][]condition, 1)} }

// row reads a row in the host's layout.
func (t *Table[T]) row(words *[5]uint64) (*Row[T], error) {
	id := take(uint32(words[0]), uint32(words[0]>>32))
	text := take(uint32(words[4]), uint32(words[4]>>32))
	row := &Row[T]{ID: id, Version: words[1], CreatedAt: instant(int64(words[2])), UpdatedAt: instant(int64(words[3]))}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&row.Fields); err != nil {
		return nil, &Error{Invalid, "row `" + id + "` of table `" + t.name + "` is not as this job expects it: " + err.Error()}
	}
	return row, nil
}

func toJSON(value any) (string, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", &Error{Invalid, "this value has no JSON: " + err.Error()}
	}
	return strings.TrimSuffix(buffer.String(), "\n"), nil
}

// Op is how a member of a row is compared with a value. An open set.
type Op string

// The operators. In takes a slice, Exists a bool.
const (
	Eq         Op = "eq"
	Ne         Op = "ne"
	Lt         Op = "lt"
	Le         Op = "le"
	Gt         Op = "gt"
	Ge         Op = "ge"
	StartsWith Op = "starts-with"
	In         Op = "in"
	Exists     Op = "exists"
)

type condition struct{ field, operator, value string }

type order struct {
	field      string
	descending bool
}

// Query is which rows of a table, in which order. Conditions that follow one another must all hold; Or begins another
// group of them, and a row matches where one group does.
type Query[T any] struct {
	table  *Table[T]
	groups [][]condition
	order  []order
	limit  uint32
	cursor *string
	err    error
}

// Page is one page of a query's answer: one consistent view of the table.
type Page[T any] struct {
	Rows []*Row[T]
	// Next is where the next page begins, for After; empty after the last.
	Next string
}

// Filter keeps only rows whose member compares so with a value. A time.Time compares as an instant.
func (q *Query[T]) Filter(field string, op Op, value any) *Query[T] {
	text, err := toJSON(value)
	if err != nil && q.err == nil {
		q.err = err
	}
	last := len(q.groups) - 1
	q.groups[last] = append(q.groups[last], condition{field, string(op), text})
	return q
}

// Or begins another group of conditions. A group without conditions does not count.
func (q *Query[T]) Or() *Query[T] {
	q.groups = append(q.groups, nil)
	return q
}

// OrderBy orders by a member, smallest first; rows that are equal by it by the next, and at last by id.
func (q *Query[T]) OrderBy(field string) *Query[T] {
	q.order = append(q.order, order{field, false})
	return q
}

// OrderByDescending is OrderBy, largest first.
func (q *Query[T]) OrderByDescending(field string) *Query[T] {
	q.order = append(q.order, order{field, true})
	return q
}

// Limit is at most so many rows, for Page and Rows; 0 is no limit.
func (q *Query[T]) Limit(rows uint32) *Query[T] {
	q.limit = rows
	return q
}

// After begins where a page of the same filter and order ended.
func (q *Query[T]) After(cursor string) *Query[T] {
	q.cursor = &cursor
	return q
}

func (q *Query[T]) filter() (*lowered, int) {
	groups, count := &lowered{}, 0
	for _, group := range q.groups {
		if len(group) == 0 {
			continue
		}
		count++
		conditions := &lowered{}
		for _, condition := range group {
			conditions.text(condition.field)
			conditions.text(condition.operator)
			conditions.text(condition.value)
		}
		groups.list(conditions, len(group))
	}
	return groups, count
}

// Page is one page: up to 1,000 rows, 4 MiB together.
func (q *Query[T]) Page() (Page[T], error) { return q.page(q.cursor, q.limit) }

func (q *Query[T]) page(cursor *string, limit uint32) (Page[T], error) {
	if q.err != nil {
		return Page[T]{}, q.err
	}
	filter, count := q.filter()
	orders := &lowered{}
	for _, order := range q.order {
		orders.text(order.field)
		descending := uint32(0)
		if order.descending {
			descending = 1
		}
		orders.add(descending)
	}
	filterAt, _ := filter.place()
	orderAt, _ := orders.place()
	some, cursorAt, cursorLen := uint32(0), pointer(nil), uint32(0)
	if cursor != nil {
		some = 1
		cursorAt, cursorLen = data(*cursor)
	}
	ret := ask(func(ret pointer) { tableQuery(q.table.handle, filterAt, uint32(count), orderAt, uint32(len(q.order)), limit, some, cursorAt, cursorLen, ret) })
	runtime.KeepAlive(filter)
	runtime.KeepAlive(orders)
	runtime.KeepAlive(cursor)
	if err := ret.err(4); err != nil {
		return Page[T]{}, err
	}
	page, rows := Page[T]{}, ret.u32(8)
	list := takeBytes(ret.u32(4), rows*40)
	if next := ret.maybe(12); next != nil {
		page.Next = *next
	}
	var failed error
	for number := range rows {
		// Each is taken over, though one before it did not read.
		row, err := q.table.row((*[5]uint64)(pointer(&list[number*40])))
		if err != nil && failed == nil {
			failed = err
		}
		page.Rows = append(page.Rows, row)
	}
	return page, failed
}

// Rows are the rows of the query, fetched page by page. An error ends them.
func (q *Query[T]) Rows() iter.Seq2[*Row[T], error] {
	return func(yield func(*Row[T], error) bool) {
		cursor, left := q.cursor, q.limit
		for {
			page, err := q.page(cursor, left)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range page.Rows {
				if !yield(row, nil) {
					return
				}
			}
			if q.limit > 0 {
				if left <= uint32(len(page.Rows)) {
					return
				}
				left -= uint32(len(page.Rows))
			}
			if page.Next == "" {
				return
			}
			cursor = &page.Next
		}
	}
}

// First is the first row, nil where none matches.
func (q *Query[T]) First() (*Row[T], error) {
	page, err := q.page(q.cursor, 1)
	if err != nil || len(page.Rows) == 0 {
		return nil, err
	}
	return page.Rows[0], nil
}

// Count is how many rows match, whatever the limit.
func (q *Query[T]) Count() (uint64, error) {
	return q.number(func(filter pointer, count uint32, ret pointer) {
		tableCount(q.table.handle, filter, count, ret)
	})
}

// Delete deletes every row that matches and says how many. Quota where they are more than one commit may write: then
// DeleteUpTo and a checkpoint, again and again.
func (q *Query[T]) Delete() (uint64, error) { return q.DeleteUpTo(math.MaxUint32) }

// DeleteUpTo deletes so many of the rows that match, in the order of their ids, and says how many it were.
func (q *Query[T]) DeleteUpTo(rows uint32) (uint64, error) {
	if rows == 0 {
		return 0, nil
	}
	return q.number(func(filter pointer, count uint32, ret pointer) {
		tableDeleteWhere(q.table.handle, filter, count, rows, ret)
	})
}

func (q *Query[T]) number(call func(filter pointer, count uint32, ret pointer)) (uint64, error) {
	if q.err != nil {
		return 0, q.err
	}
	filter, count := q.filter()
	at, _ := filter.place()
	ret := ask(func(ret pointer) { call(at, uint32(count), ret) })
	runtime.KeepAlive(filter)
	if err := ret.err(8); err != nil {
		return 0, err
	}
	return ret.u64(8), nil
}
