package price

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gsmgate/router/prefix"
	"gsmgate/storage"
)

// Sheet is what was read of a table.
type Sheet struct {
	Prices   []storage.Price // in the order of storage.ComparePrices
	Problems []Problem
	Ignored  []string // columns that say nothing about prices
}

// Problem is what is wrong with a line.
type Problem struct {
	Line    int // 0: with all of it
	Message string
}

// mostProblems is how many are told; a file of another kind has one in each line.
const mostProblems = 100

// Columns in the order in which they stand where no line names them.
const (
	prefixColumn = iota
	priceColumn
	startColumn
	endColumn
	noteColumn
	columns
	noColumn = -1
)

// columnNames are the words for columns, in small letters without spaces and the
// like.
var columnNames = [columns][]string{
	{"prefix", "code", "dialcode", "dialingcode", "areacode", "digits", "number", "breakout"},
	{"price", "rate", "cost", "amount", "credits", "priceperpart", "pricepersms", "pricepermessage", "unitprice"},
	{"start", "from", "startdate", "validfrom", "effective", "effectivefrom", "effectivedate", "since"},
	{"end", "to", "enddate", "until", "validto", "validuntil", "effectiveto", "expires", "expiry"},
	{"note", "notes", "comment", "description", "destination", "name", "country", "operator", "network"},
}

// Parse reads a table of prices: lines of prefix, price, start, end and note, the
// last three as wanted, parted by commas, semicolons or tabs. The first line may
// name the columns, in any order. Lines that begin with # say nothing, nor does a
// byte order mark. start is for the lines that name none.
//
// A date without a time of day is UTC's: a start its first moment, an end its
// last. Lines that cannot be read are Problems, the others are still given.
func Parse(text []byte, start storage.Time) Sheet {
	text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
	p := parser{start: start, seen: map[place]int{}}
	p.comma = separator(text)
	for rest := text; rest != nil; {
		rest = p.read(rest)
	}
	if len(p.prices) == 0 && len(p.Problems) == 0 {
		p.problem(0, "there are no prices")
	}
	slices.SortFunc(p.prices, func(a, b storage.Price) int { return storage.ComparePrices(&a, &b) })
	p.Prices = p.prices
	return p.Sheet
}

// read goes over lines, to the end or to a quote that is never closed: that one takes
// what stands behind it along. It gives what is to be read again, nil for nothing.
func (p *parser) read(text []byte) (rest []byte) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.Comment, r.FieldsPerRecord, r.ReuseRecord = p.comma, '#', -1, true
	r.TrimLeadingSpace = p.comma != '\t' // else an empty field would be lost
	for {
		fields, err := r.Read()
		if err == io.EOF {
			return nil
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) && parse.Line > parse.StartLine && len(p.Problems) < mostProblems {
			p.problem(p.before+parse.StartLine, "%v", parse.Err)
			p.before += parse.StartLine
			return behind(text, parse.StartLine)
		}
		p.record(r, fields, err)
	}
}

// behind is what stands behind so many lines, nil for nothing.
func behind(text []byte, lines int) []byte {
	for ; lines > 0; lines-- {
		i := bytes.IndexByte(text, '\n')
		if i < 0 {
			return nil
		}
		text = text[i+1:]
	}
	return text
}

// separator looks at the first line that says something.
func separator(text []byte) rune {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		best, most := ',', bytes.Count(line, []byte(","))
		for _, c := range ";\t" {
			if n := bytes.Count(line, []byte(string(c))); n > 0 && n >= most {
				best, most = c, n
			}
		}
		return best
	}
	return ','
}

// place is what only one line may have a price for.
type place struct {
	prefix string
	start  storage.Time
}

type parser struct {
	Sheet
	prices []storage.Price
	comma  rune
	start  storage.Time
	order  []int         // what each field is, noColumn: nothing; nil before the first line
	seen   map[place]int // place in prices
	lines  []int         // of each of prices
	before int           // lines that were read before those of the reader
	more   int
}

func (p *parser) problem(line int, format string, args ...any) {
	if len(p.Problems) < mostProblems {
		p.Problems = append(p.Problems, Problem{line, fmt.Sprintf(format, args...)})
	}
}

func (p *parser) record(r *csv.Reader, fields []string, err error) {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		p.problem(p.before+parse.StartLine, "%v", parse.Err)
		return
	}
	line, _ := r.FieldPos(0)
	line += p.before
	if p.order == nil {
		if p.head(line, fields) {
			return
		}
	}
	if empty(fields) || len(p.order) == 0 {
		return
	}
	if err := p.line(line, fields); err != nil {
		p.problem(line, "%v", err)
	}
}

func empty(fields []string) bool {
	return !slices.ContainsFunc(fields, func(s string) bool { return strings.TrimSpace(s) != "" })
}

// head says whether the first line names the columns.
func (p *parser) head(line int, fields []string) bool {
	if _, err := prefixes(strings.TrimSpace(fields[0])); err == nil {
		p.order = []int{prefixColumn, priceColumn, startColumn, endColumn, noteColumn}
		return false
	}
	p.order = []int{}
	for _, name := range fields {
		c := columnOf(name)
		if c == noColumn && strings.TrimSpace(name) != "" {
			p.Ignored = append(p.Ignored, strings.TrimSpace(name))
		}
		if c != noColumn && slices.Contains(p.order, c) {
			c = noColumn // the first of two counts: country, operator
			p.Ignored = append(p.Ignored, strings.TrimSpace(name))
		}
		p.order = append(p.order, c)
	}
	if !slices.Contains(p.order, prefixColumn) || !slices.Contains(p.order, priceColumn) {
		p.problem(line, "the first line names no columns prefix and price, nor is it a price")
		p.order = []int{}
	}
	return true
}

func columnOf(name string) int {
	plain := strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "", ".", "", "\u00a0", "").Replace(name))
	return slices.IndexFunc(columnNames[:], func(words []string) bool { return slices.Contains(words, plain) })
}

func (p *parser) line(line int, fields []string) error {
	var at [columns]string
	for i, field := range fields {
		if i < len(p.order) && p.order[i] != noColumn {
			at[p.order[i]] = strings.TrimSpace(field)
		}
	}
	list, err := prefixes(at[prefixColumn])
	if err != nil {
		return err
	}
	price := storage.Price{Start: p.start, Note: note(at[noteColumn])}
	if err := p.amount(&price, at[priceColumn]); err != nil {
		return err
	}
	if err := dates(&price, at[startColumn], at[endColumn]); err != nil {
		return err
	}
	return p.add(line, price, list)
}

// mostNote is how long a note may be.
const mostNote = 200

func note(s string) string {
	s = strings.ToValidUTF8(s, "")
	for len(s) > mostNote {
		r := []rune(s)
		s = string(r[:len(r)-1-(len(s)-mostNote)/4])
	}
	return s
}

// amount reads a price. Where commas part no fields they may part decimals.
func (p *parser) amount(price *storage.Price, s string) (err error) {
	switch strings.ToLower(s) {
	case "blocked", "closed", "no", "-":
		price.Blocked = true
		return nil
	}
	if p.comma != ',' && !strings.Contains(s, ".") {
		s = strings.Replace(s, ",", ".", 1)
	}
	price.Amount, err = ParseCredits(s)
	return err
}

// add takes the price for each of the prefixes; the same one twice is no harm.
func (p *parser) add(line int, price storage.Price, list []string) error {
	for _, price.Prefix = range list {
		if len(p.prices) >= storage.MostPrices {
			if p.more++; p.more == 1 {
				p.problem(line, "more than %d prices", storage.MostPrices)
			}
			return nil
		}
		at := place{price.Prefix, price.Start}
		if i, twice := p.seen[at]; twice {
			if same(&p.prices[i], &price) {
				continue
			}
			return fmt.Errorf("another price for the same prefix and start is in line %d", p.lines[i])
		}
		p.seen[at], p.lines = len(p.prices), append(p.lines, line)
		p.prices = append(p.prices, price)
	}
	return nil
}

func same(a, b *storage.Price) bool {
	return a.Amount == b.Amount && a.Blocked == b.Blocked && a.End == b.End
}

var errPrefix = errors.New("the prefix is none such as 31, +316, 31600-31650, or * for all")

// prefixes reads one, or a range of them: +31 0031 31* 1-876 31600-31650 *.
func prefixes(s string) ([]string, error) {
	if s == "*" {
		return []string{""}, nil
	}
	s = strings.NewReplacer(" ", "", "(", "", ")", "", "\u00a0", "").Replace(strings.TrimSuffix(s, "*"))
	if rest, ok := strings.CutPrefix(s, "+"); ok {
		s = rest
	} else {
		s = strings.TrimPrefix(s, "00")
	}
	lo, hi, isRange := strings.Cut(s, "-")
	switch hi = strings.TrimPrefix(hi, "+"); {
	case isRange && lo == "1" && len(hi) == 3: // as the countries of +1 are written
		s = lo + hi
	case isRange:
		return spread(lo, hi)
	}
	if s == "" || len(s) > prefix.MaxDigits || strings.Trim(s, "0123456789") != "" {
		return nil, errPrefix
	}
	return []string{s}, nil
}

func spread(lo, hi string) (all []string, err error) {
	for _, k := range prefix.Span(lo, hi) {
		all = append(all, k.String())
	}
	if len(all) == 0 {
		return nil, errPrefix
	}
	return all, nil
}
