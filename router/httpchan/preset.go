package httpchan

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"gsmgate/router"
)

//go:embed presets/*.json
var presetFiles embed.FS

// PresetNames are those of the descriptions that come with the program.
func PresetNames() (names []string) {
	files, err := fs.Glob(presetFiles, "presets/*.json")
	if err != nil {
		panic(err) // the pattern is above
	}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(f, "presets/"), ".json"))
	}
	slices.Sort(names)
	return names
}

// PresetJSON is a description that comes with the program, to be changed by hand.
func PresetJSON(name string) ([]byte, error) {
	raw, err := presetFiles.ReadFile("presets/" + name + ".json")
	if err != nil {
		return nil, &router.Error{Code: router.Invalid, Field: "preset", Message: fmt.Sprintf("no preset %.40q", name),
			Hint: "there are " + strings.Join(PresetNames(), ", ")}
	}
	return raw, nil
}

// Preset reads one of them.
func Preset(name string) (*Description, error) {
	raw, err := PresetJSON(name)
	if err != nil {
		return nil, err
	}
	return ParseDescription(raw)
}
